import { conversation, LEARN_TARGET, UNUSED_VARIABLES, type Behaviour } from './conversation.js';
import { response, type Dialog } from './messages.js';
import { action, pause, recv, scenario, send } from './xml.js';

/** How long the phone rings, in ms. */
const RINGS_MS = 100;
const TAG = '[pid]s[call_number]';

const DIALOG: Dialog = { from: `[$called];tag=${TAG}`, to: '[$calling]', contact: '[field1]' };

/** One line of the callee's injection file, for its next call. */
export interface CalleeFields {
  /** How long the phone talks before it hangs up, in ms. */
  readonly holdMs: number;
  /** `host:port` of the Contact. */
  readonly contact: string;
}

export function calleeFile(calls: readonly CalleeFields[]): string {
  return `SEQUENTIAL\n${calls.map(({ holdMs, contact }) => `${holdMs};${contact}`).join('\n')}\n`;
}

/** A phone that is called. */
export function calleeScenario(behaviour: Behaviour, voice: string): string {
  return scenario(
    'callee',
    [
      recv({ request: 'INVITE', rrs: true }, LEARN_TARGET, party('From:', 'calling'), party('To:', 'called')),
      send(response('180 Ringing', { toTag: TAG, recordRoute: true })),
      pause({ milliseconds: RINGS_MS }),
      send(response('200 OK', { toTag: TAG, recordRoute: true, contact: DIALOG.contact }), { retrans: 500 }),
      recv({ request: 'ACK', next: 'talk' }),
      ...conversation(DIALOG, behaviour, '[field0]', voice),
    ],
    UNUSED_VARIABLES,
  );
}

/** The whole value of From or To, for the phone's own requests. */
function party(header: string, variable: string): string {
  return action('ereg', { regexp: '[^ ].*', search_in: 'hdr', header, assign_to: variable });
}
