import { xml } from '@reinvite/test-phones';
import type { Case } from '../cases/case.js';
import { expectationOf } from '../cases/expectation.js';
import { directionAfter, directionAtFirst, directionBefore, type Direction } from './media.js';
import { Messages, REALM, type Place } from './messages.js';

const { action, label, nop, pause, recv, scenario, send } = xml;

/** RFC 3261 T1. */
const T1 = { retrans: 500 };
/** Between two acts of one phone, so that they do not cross. */
const BREATH = pause({ milliseconds: 200 });
/** The answer to our re-INVITE is on its way; the phone lets the ACK settle. */
const AFTER_ACK = pause({ milliseconds: 500 });
/** A phone that waits for this waits for ever: nobody sends it. */
const FOR_EVER = recv({ request: 'PUBLISH' });

/** Moments that a phone writes into its log; the play goes by them. */
export const MOMENTS = ['in-call', 'ready', 'back', 'done'] as const;
export type Moment = (typeof MOMENTS)[number];

const REFUSALS: Readonly<Record<'481' | '491' | '500' | '503', string>> = {
  '481': '481 Call/Transaction Does Not Exist',
  '491': '491 Request Pending',
  '500': '500 Server Internal Error',
  '503': '503 Service Unavailable',
};

const CHALLENGE = `WWW-Authenticate: Digest realm="${REALM}",nonce="c0ffee01",algorithm=MD5,qop="auth"`;

/** Keeps the remote target up to date: the URI of the Contact of what was received (RFC 3261 section 12.2). */
const LEARN_TARGET = ereg('sips?:[^>]*', 'Contact:', 'target');

/** Address and port of the Contact, IPv6 without its brackets, for SIPp's own socket. */
const LEARN_ADDRESS = [
  action('ereg', {
    regexp: 'sip:([^@]*@)?\\[?([0-9a-f.:]+)\\]?:([0-9]+)',
    search_in: 'hdr',
    header: 'Contact:',
    assign_to: 'whole,user,peerHost,peerPort',
  }),
];
const FOLLOW = [action('setdest', { host: '[$peerHost]', port: '[$peerPort]', protocol: 'udp' })];

/** The SIPp scenario of one phone, from its first message to the BYE with which it ends a call that came back. */
export function phoneScript(test: Case, place: Place): string {
  const messages = new Messages(test, place);
  const steps = test.factors.phone === 'caller' ? calls(test, messages) : isCalled(test, messages);
  const rest = test.extras.stage === 'early' ? [mark('ready'), FOR_EVER] : inCall(test, messages);
  return scenario('phone', [...steps, ...rest], unused(steps.join('') + rest.join('')));
}

function calls(test: Case, messages: Messages): string[] {
  const { digest, setup } = test.factors;
  const direction = directionAtFirst(test);
  const provisional = [100, 180, 183].map((response) => recv({ response, optional: true }));
  const challenged = [
    recv({ response: 100, optional: true }),
    recv({ response: 401, auth: true }),
    send(messages.ackOfRefusal()),
    send(messages.initialInvite(direction, true), T1),
  ];
  const reliable = [
    recv({ response: 100, optional: true }),
    recv({ response: 180, rrs: true }, LEARN_TARGET, ereg('[0-9]+', 'RSeq:', 'rseq')),
    send(messages.request('PRACK', { lines: [`RAck: [$rseq] ${inviteCseq(test)} INVITE`] }), T1),
    recv({ response: 200 }),
  ];
  const ring = [recv({ response: 100, optional: true }), recv({ response: 180 })];
  const answered = [
    ...provisional,
    recv({ response: 200, rrs: true }, LEARN_TARGET),
    // A PRACK in between has a CSeq of its own; the ACK has that of its INVITE (RFC 3261 section 17.1.1.3).
    send(messages.request('ACK', { cseq: inviteCseq(test) }), { next: 'talk' }),
  ];
  return [
    send(messages.initialInvite(direction, false), T1),
    ...(digest === 'initial' ? challenged : []),
    ...(setup === 'prack' ? reliable : []),
    ...(test.extras.stage === 'early' ? ring : answered),
  ];
}

/** CSeq of the INVITE that is answered: a challenged one is sent twice. */
function inviteCseq(test: Case): number {
  return (test.extras.phoneCseq ?? 1) + (test.factors.digest === 'initial' ? 1 : 0);
}

/** Variables that a script sets and does not read: SIPp wants them named. */
function unused(script: string): string[] {
  const set = new Set(
    [...script.matchAll(/assign_to="([^"]*)"/g)].flatMap(([, names = '']) => names.split(',')),
  );
  return [...set].filter((name) => !script.includes(`[$${name}]`));
}

/** The head of the INVITE up to `From:`, its parties and CSeq: its answer comes after that to another request. */
const LEARN_CALL = [
  LEARN_TARGET,
  ereg('[^ ].*', 'From:', 'calling'),
  ereg('[^ ].*', 'To:', 'called'),
  ereg('[0-9]+ INVITE', 'CSeq:', 'cseq'),
  action('ereg', { regexp: '(Record-Route|Via):.*From:', search_in: 'msg', assign_to: 'head,first' }),
];

function isCalled(test: Case, messages: Messages): string[] {
  const { digest, setup } = test.factors;
  const toTag = messages.tag;
  const ringing = (tag: string, lines: readonly string[] = []): string =>
    send(messages.response('180 Ringing', { toTag: tag, lines, contact: true, recordRoute: true }));
  const challenge = [
    recv({ request: 'INVITE' }),
    send(messages.response('401 Unauthorized', { toTag: `${toTag}-c`, lines: [CHALLENGE] })),
    recv({ request: 'ACK' }),
  ];
  const invited = recv({ request: 'INVITE', rrs: true }, ...LEARN_CALL);
  if (test.extras.stage === 'early') return [invited, ringing(toTag)];
  const answer = { toTag, direction: directionAtFirst(test) };
  const reliably = [
    ringing(toTag, ['Require: 100rel', 'RSeq: 7001']),
    recv({ request: 'PRACK' }),
    send(messages.response('200 OK')),
    BREATH,
    send(messages.response('200 OK', { ...answer, toRequestIn: 'head' }), T1),
  ];
  const simply = [
    ringing(toTag),
    BREATH,
    send(messages.response('200 OK', { ...answer, recordRoute: true }), T1),
  ];
  return [
    ...(digest === 'initial' ? challenge : []),
    invited,
    // The other early dialog of a fork: another tag, and nobody there ever answers.
    ...(setup === 'forked' ? [ringing(`${toTag}-fork`)] : []),
    ...(setup === 'prack' ? reliably : simply),
    recv({ request: 'ACK', next: 'talk' }),
  ];
}

/** From the moment the phone is in the call. The step before must jump to `talk`. */
function inCall(test: Case, messages: Messages): string[] {
  return [
    // Never waited for: SIPp takes it at any later time.
    recv({ request: 'BYE', optional: 'global', next: 'answerBye' }),
    // SIPp wants a mandatory message after optional ones; nothing leads here.
    recv({ request: 'CANCEL' }),
    label('talk'),
    mark('in-call'),
    ...actsBefore(test, messages),
    mark('ready'),
    ...(test.extras.stage === 'ended' ? hangsUp(messages) : answersRecovery(test, messages)),
    label('answerBye'),
    send(messages.response('200 OK')),
    FOR_EVER,
  ];
}

/** What happens in the call before the crash. */
function actsBefore(test: Case, messages: Messages): string[] {
  const { hold, refresh } = test.factors;
  const now = directionAtFirst(test);
  const held = hold === 'us' ? takesReinvite(messages, 'recvonly') : [];
  const moves = {
    none: () => [],
    're-invite': () => reinvites(messages, hold === 'us' ? 'recvonly' : now),
    update: () => [BREATH, send(messages.request('UPDATE'), T1), recv({ response: 200 }, LEARN_TARGET)],
  };
  if (refresh !== 'none') messages.move();
  const moved = moves[refresh]();
  const holds =
    hold === 'phone' || hold === 'phone-inactive' ? reinvites(messages, directionBefore(test)) : [];
  const lastWord = [BREATH, send(messages.request('INFO', { dtmf: true }), T1), recv({ response: 200 })];
  return [...held, ...moved, ...holds, ...(test.extras.lastWordIsThePhones === true ? lastWord : [])];
}

function reinvites(messages: Messages, direction: Direction): string[] {
  return [
    BREATH,
    send(messages.request('INVITE', { direction }), T1),
    recv({ response: 100, optional: true }),
    recv({ response: 200 }, LEARN_TARGET),
    send(messages.request('ACK')),
  ];
}

function takesReinvite(messages: Messages, direction: Direction): string[] {
  return [
    recv({ request: 'INVITE' }, LEARN_TARGET),
    send(messages.response('200 OK', { direction }), T1),
    recv({ request: 'ACK' }),
  ];
}

/** The recovering re-INVITE and what the phone says to it; after its 200 the call goes on as calls do. */
function answersRecovery(test: Case, messages: Messages): string[] {
  const { answer, digest } = test.factors;
  if (answer === 'silence') return [FOR_EVER];
  const refused = (status: string, lines: readonly string[] = []): string[] => [
    recv({ request: 'INVITE' }),
    send(messages.response(status, { lines }), T1),
    recv({ request: 'ACK' }),
  ];
  const thinks = test.extras.answersAfterMs;
  // SIPp sends where its peer was; without a proxy that is another node now.
  const follows = test.factors.proxies === 'none' ? [nop({}, ...FOLLOW)] : [];
  const accepted = [
    recv({ request: 'INVITE' }, LEARN_TARGET, ...(follows.length === 0 ? [] : LEARN_ADDRESS)),
    ...follows,
    ...(thinks === undefined ? [] : [send(messages.response('100 Trying')), pause({ milliseconds: thinks })]),
    send(messages.response('200 OK', { direction: directionBefore(test) }), T1),
    recv({ request: 'ACK' }),
    mark('back'),
  ];
  const { crashes = 1 } = test.extras;
  if (crashes > 1) {
    const survived = Array.from({ length: crashes - 1 }, () => accepted).flat();
    const last =
      expectationOf(test).outcome === 'recovered' ? [...accepted, ...goesOn(test, messages)] : [FOR_EVER];
    return [...survived, ...last];
  }
  return [
    ...(digest === 're-invite' ? refused('401 Unauthorized', [CHALLENGE]) : []),
    ...(answer === '200' ? [] : refused(REFUSALS[answer])),
    ...(answer === '481' ? [mark('done'), FOR_EVER] : [...accepted, ...goesOn(test, messages)]),
  ];
}

/** A call that came back is an ordinary one: re-INVITE, UPDATE and BYE of the phone are answered. */
function goesOn(test: Case, messages: Messages): string[] {
  return [
    AFTER_ACK,
    ...(test.extras.awaitsRefresh === true ? awaitsRefresh(test, messages) : []),
    ...reinvites(messages, directionAfter(test)),
    BREATH,
    send(messages.request('UPDATE'), T1),
    recv({ response: 200 }, LEARN_TARGET),
    ...hangsUp(messages),
  ];
}

/** Our refresh comes as an UPDATE, since the phone allows it (RFC 4028 section 7.4 lets the refresher choose). */
function awaitsRefresh(test: Case, messages: Messages): string[] {
  if (test.factors.timer !== 'us') return [];
  return [recv({ request: 'UPDATE' }, LEARN_TARGET), send(messages.refreshed())];
}

function hangsUp(messages: Messages): string[] {
  return [BREATH, send(messages.request('BYE'), T1), recv({ response: 200 }), mark('done'), FOR_EVER];
}

function mark(moment: Moment): string {
  return nop({}, action('log', { message: moment }));
}

function ereg(regexp: string, header: string, variable: string): string {
  return action('ereg', { regexp, search_in: 'hdr', header, assign_to: variable });
}
