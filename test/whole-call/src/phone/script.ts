import { xml } from '@reinvite/test-phones';
import { ack, answer, bye, info, initialInvite, ok, reinvite, type Dialog } from './messages.js';

const { action, label, nop, pause, recv, send } = xml;

/** Header with the key that is to be pressed. */
export const DIGIT_HEADER = 'X-Digit';

/** RFC 3261 T1. */
const RETRANSMIT_MS = 500;
const ACK_TIMEOUT_MS = 8_000;
const RINGS_MS = 100;
/** How long an ended call still answers what is repeated. */
const LINGER_MS = 1_000;
const FOR_EVER_MS = 3_600_000;
const TAG = '[pid]w[call_number]';

/** Of a phone that calls. */
export interface CallerScript {
  readonly role: 'caller';
  /** User of its From. */
  readonly number: string;
  readonly dialled: string;
  /** Node that takes the call. */
  readonly node: string;
}

/** Of a phone that is called. */
export interface CalleeScript {
  readonly role: 'callee';
}

/** SIPp's scenario of one phone. @param voice file of its voice, as the phones' host sees it. */
export function phoneScript(script: CallerScript | CalleeScript, voice: string): string {
  const steps = script.role === 'caller' ? callerSteps(script, voice) : calleeSteps(voice);
  return xml.scenario(script.role, steps, []);
}

function callerSteps({ number, dialled, node }: CallerScript, voice: string): string[] {
  const dialog: Dialog = {
    from: `"Phone ${number}" <sip:${number}@[local_ip]:[local_port]>;tag=${TAG}`,
    to: `<sip:${dialled}@[remote_ip]:[remote_port]>[peer_tag_param]`,
  };
  return [
    nop({}, ...session('1', 'sendrecv')),
    send(initialInvite(dialog, dialled, node), { retrans: RETRANSMIT_MS }),
    recv({ response: 100, optional: true }),
    recv({ response: 180, optional: true }),
    recv({ response: 183, optional: true }),
    recv({ response: 200, rrs: true }, LEARN_TARGET),
    send(ack(dialog), { next: 'talk' }),
    ...conversation(dialog, voice),
  ];
}

function calleeSteps(voice: string): string[] {
  const dialog: Dialog = { from: `[$called];tag=${TAG}`, to: '[$calling]' };
  return [
    recv({ request: 'INVITE', rrs: true }, LEARN_TARGET, party('From:', 'calling'), party('To:', 'called')),
    nop({}, ...session('1', 'sendrecv')),
    send(answer('180 Ringing', TAG)),
    pause({ milliseconds: RINGS_MS }),
    send(ok(TAG), { retrans: RETRANSMIT_MS }),
    recv({ request: 'ACK', next: 'talk' }),
    ...conversation(dialog, voice),
  ];
}

/** From the moment the phone is in the call until its end. The receptions that stand first are matched at any later time. */
function conversation(dialog: Dialog, voice: string): string[] {
  const global = { optional: 'global' };
  return [
    recv({ request: 'BYE', ...global, next: 'answerBye' }),
    recv({ request: 'INVITE', ...global, next: 'answerInvite' }, LEARN_TARGET),
    recv({ request: 'HOLD', ...global, next: 'hold' }),
    recv({ request: 'RESUME', ...global, next: 'resume' }),
    recv({ request: 'PRESS', ...global, next: 'press' }, LEARN_DIGIT),
    recv({ request: 'HANGUP', ...global, next: 'hangUp' }),
    // SIPp wants a mandatory message after optional ones; nothing leads here.
    recv({ request: 'CANCEL' }),

    label('talk'),
    nop({}, action('exec', { rtp_stream: `${voice},-1,0,PCMU/8000` })),
    label('goOn'),
    pause({ milliseconds: FOR_EVER_MS }),

    label('hangUp'),
    send(bye(dialog), { retrans: RETRANSMIT_MS }),
    recv({ response: 200, next: 'end' }),

    label('hold'),
    nop({}, ...session('2', 'sendonly'), action('exec', { rtp_stream: 'pause' })),
    nop({ next: 'reinvite' }),
    label('resume'),
    nop({}, ...session('3', 'sendrecv'), action('exec', { rtp_stream: 'resume' })),
    label('reinvite'),
    send(reinvite(dialog), { retrans: RETRANSMIT_MS }),
    recv({ response: 100, optional: true }),
    recv({ response: 200 }, LEARN_TARGET),
    send(ack(dialog), { next: 'goOn' }),

    label('press'),
    send(info(dialog), { retrans: RETRANSMIT_MS }),
    recv({ response: 200, next: 'goOn' }),

    label('answerInvite'),
    send(ok(), { retrans: RETRANSMIT_MS }),
    recv({ request: 'ACK', timeout: ACK_TIMEOUT_MS, ontimeout: 'goOn', next: 'goOn' }),

    label('answerBye'),
    send(answer('200 OK')),
    label('end'),
    pause({ milliseconds: LINGER_MS }),
  ];
}

/** The remote target: the URI of the Contact of what was received (RFC 3261 section 12.2). */
const LEARN_TARGET = action('ereg', {
  regexp: 'sip:[^>]*',
  search_in: 'hdr',
  header: 'Contact:',
  assign_to: 'target',
});

const LEARN_DIGIT = action('ereg', {
  regexp: '[0-9*#]',
  search_in: 'hdr',
  header: `${DIGIT_HEADER}:`,
  assign_to: 'digit',
});

/** The whole value of From or To, for the phone's own requests. */
function party(header: string, variable: string): string {
  return action('ereg', { regexp: '[^ ].*', search_in: 'hdr', header, assign_to: variable });
}

function session(version: string, direction: string): string[] {
  return [
    action('assignstr', { assign_to: 'version', value: version }),
    action('assignstr', { assign_to: 'direction', value: direction }),
  ];
}
