import { conversation, LEARN_TARGET, UNUSED_VARIABLES, type Behaviour } from './conversation.js';
import { inDialog, initialInvite, type Dialog } from './messages.js';
import { recv, scenario, send } from './xml.js';

/** One call of the caller's injection file. */
export interface CallerFields {
  /** User that is dialled. */
  readonly dialled: string;
  /** User of the caller's From. */
  readonly number: string;
  /** The node that shall take the call; any where it is not given. */
  readonly node?: string;
  /** `host:port` of the Contact. */
  readonly contact: string;
  /** How long the phone talks before it hangs up, in ms. */
  readonly holdMs: number;
}

const DIALOG: Dialog = {
  from: '"Phone [field1]" <sip:[field1]@[local_ip]:[local_port]>;tag=[pid]c[call_number]',
  to: '<sip:[field0]@[remote_ip]:[remote_port]>[peer_tag_param]',
  contact: '[field3]',
};

/** SIPp's injection file. A header line cannot be empty: a call for any node gets one that says nothing. */
export function callerFile(calls: readonly CallerFields[]): string {
  const lines = calls.map(({ dialled, number, node, contact, holdMs }) =>
    [dialled, number, node === undefined ? 'Subject: call' : `X-Lab-Node: ${node}`, contact, holdMs].join(
      ';',
    ),
  );
  return `SEQUENTIAL\n${lines.join('\n')}\n`;
}

/** A phone that calls. */
export function callerScenario(behaviour: Behaviour, voice: string): string {
  return scenario(
    'caller',
    [
      send(initialInvite(DIALOG), { retrans: 500 }),
      recv({ response: 100, optional: true }),
      recv({ response: 180, optional: true }),
      recv({ response: 183, optional: true }),
      recv({ response: 200, rrs: true }, LEARN_TARGET),
      send(inDialog('ACK', DIALOG), { next: 'talk' }),
      ...conversation(DIALOG, behaviour, '[field4]', voice),
    ],
    UNUSED_VARIABLES,
  );
}
