import { inDialog, response, type Dialog } from './messages.js';
import { action, label, nop, pause, recv, send } from './xml.js';

/** RFC 3261 T1. */
const RETRANSMIT_MS = 500;
const ACK_TIMEOUT_MS = 8_000;
/** How long the phone waits before its own re-INVITE, so that the two do not cross. */
const OWN_REINVITE_AFTER_MS = 500;
/** How long an ended call still answers what is repeated. */
const LINGER_MS = 1_000;

/** How a phone behaves in a call. */
export interface Behaviour {
  /** Sends a re-INVITE of its own after it has answered one. */
  readonly reinvitesBack: boolean;
  /** Copies Record-Route into its answer to a re-INVITE. */
  readonly copiesRecordRoute: boolean;
}

/** Keeps the remote target up to date: the URI of the Contact of what was received (RFC 3261 section 12.2). */
export const LEARN_TARGET = action('ereg', {
  regexp: 'sip:[^>]*',
  search_in: 'hdr',
  header: 'Contact:',
  assign_to: 'target',
});

/** Variables that SIPp would otherwise warn of as set and never read. */
export const UNUSED_VARIABLES = ['hold'];

/**
 * From the moment the phone is in the call until its end: it speaks, takes any number of re-INVITEs at any time, hangs up
 * when it is told to (`Person`) or its time is over, and ends when the other side hangs up first.
 *
 * The step before must jump to `talk`. The receptions that stand first are never waited for: SIPp matches them at any
 * later time ("global").
 * @param holdMs an expression of SIPp for how long the call lasts, in ms.
 * @param voice file name of the phone's voice.
 */
export function conversation(dialog: Dialog, behaviour: Behaviour, holdMs: string, voice: string): string[] {
  return [
    recv({ request: 'BYE', optional: 'global', next: 'answerBye' }),
    recv({ request: 'INVITE', optional: 'global', next: 'answerInvite' }, LEARN_TARGET),
    recv({ request: 'HANGUP', optional: 'global', next: 'hangUp' }),
    // SIPp wants a mandatory message after optional ones; nothing leads here.
    recv({ request: 'CANCEL' }),

    label('talk'),
    nop(
      {},
      action('exec', { rtp_stream: `${voice},-1,0,PCMU/8000` }),
      action('assignstr', { assign_to: 'hold', value: holdMs }),
      action('todouble', { assign_to: 'hangUpAt', variable: 'hold' }),
      ...timeInto('now'),
      action('add', { assign_to: 'hangUpAt', variable: 'now' }),
    ),

    label('goOn'),
    nop(
      { next: 'hangUp', test: 'timeIsOver' },
      ...timeInto('now'),
      action('assign', { assign_to: 'left', variable: 'hangUpAt' }),
      action('subtract', { assign_to: 'left', variable: 'now' }),
      action('test', { assign_to: 'timeIsOver', variable: 'left', compare: 'less_than', value: 5 }),
    ),
    pause({ variable: 'left' }),

    label('hangUp'),
    send(inDialog('BYE', dialog), { retrans: RETRANSMIT_MS }),
    recv({ response: 200, next: 'end' }),

    label('answerInvite'),
    send(response('200 OK', { recordRoute: behaviour.copiesRecordRoute, contact: dialog.contact }), {
      retrans: RETRANSMIT_MS,
    }),
    recv({
      request: 'ACK',
      timeout: ACK_TIMEOUT_MS,
      ontimeout: 'goOn',
      ...(behaviour.reinvitesBack ? {} : { next: 'goOn' }),
    }),
    ...(behaviour.reinvitesBack ? ownReinvite(dialog) : []),

    label('answerBye'),
    send(response('200 OK', {})),
    label('end'),
    pause({ milliseconds: LINGER_MS }),
  ];
}

function ownReinvite(dialog: Dialog): string[] {
  return [
    pause({ milliseconds: OWN_REINVITE_AFTER_MS }),
    send(inDialog('INVITE', dialog), { retrans: RETRANSMIT_MS }),
    recv({ response: 100, optional: true }),
    recv({ response: 200 }, LEARN_TARGET),
    send(inDialog('ACK', dialog), { next: 'goOn' }),
  ];
}

/** Milliseconds since the epoch into a variable. */
function timeInto(variable: string): string[] {
  return [
    action('gettimeofday', { assign_to: 'seconds,microseconds' }),
    action('assign', { assign_to: variable, variable: 'seconds' }),
    action('multiply', { assign_to: variable, value: 1000 }),
    action('divide', { assign_to: 'microseconds', value: 1000 }),
    action('add', { assign_to: variable, variable: 'microseconds' }),
  ];
}
