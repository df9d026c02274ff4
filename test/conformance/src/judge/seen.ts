import type { SipMessage, SipRequest } from '@reinvite/sip';
import type { Witness } from '../play/witness.js';
import { readSdp, type Sdp } from './sdp.js';
import type { TracedMessage } from './trace.js';

/** A traced message that is a request. */
export interface TracedRequest extends TracedMessage {
  readonly message: SipRequest;
}

/** One party as From and To write it. */
export interface Address {
  readonly displayName: string;
  readonly uri: string;
  readonly tag: string;
}

/** The dialog as the phone knows it at a moment: what the next request of the other side must fit. */
export interface Dialog {
  readonly callId: string;
  readonly phone: Address;
  readonly ours: Address;
  /** Highest CSeq of our side. */
  readonly ourCseq: number;
  readonly phoneCseq: number;
  /** The phone's Contact: where our requests are to go. */
  readonly contact: string;
  readonly ourSdp: Sdp | undefined;
  readonly phoneSdp: Sdp | undefined;
  /** Session-Expires as it was agreed on last, and whose task the refresh is; null for none. */
  readonly timer: { readonly seconds: number; readonly refresher: 'us' | 'phone' } | null;
  readonly transport: TracedMessage['transport'];
  /** Every branch of a Via of ours up to now. */
  readonly branches: ReadonlySet<string>;
}

/** The dialog at a moment; undefined where none was confirmed by then. */
export function dialogAt({ trace }: Witness, at: number): Dialog | undefined {
  const before = trace.filter((one) => one.at < at);
  const answer = before.find(({ message }) => isAnswerTo(message, 'INVITE') && message.toTag !== '');
  if (answer === undefined) return undefined;
  const phoneCalled = answer.by === 'network';
  const { from, fromTag, to, toTag, callId } = answer.message;
  const caller = { displayName: from.displayName, uri: from.uri, tag: fromTag };
  const callee = { displayName: to.displayName, uri: to.uri, tag: toTag };
  const cseqs = (by: TracedMessage['by']): number[] =>
    before.filter((one) => one.by === by && isRequest(one)).map(({ message }) => message.cseq.number);
  const contacts = before
    .filter(({ by, message }) => by === 'phone' && isTarget(message))
    .flatMap(({ message }) => message.contacts.map(({ uri }) => uri));
  return {
    callId,
    phone: phoneCalled ? caller : callee,
    ours: phoneCalled ? callee : caller,
    ourCseq: Math.max(0, ...cseqs('network')),
    phoneCseq: Math.max(0, ...cseqs('phone')),
    contact: contacts.at(-1) ?? '',
    ourSdp: lastSdp(before, 'network'),
    phoneSdp: lastSdp(before, 'phone'),
    timer: timerOf(before),
    transport: answer.transport,
    branches: new Set(
      before.flatMap(({ message }) => message.vias.map((via) => via.params.get('branch') ?? '')),
    ),
  };
}

/**
 * Requests of a method that one side sent from a moment on, each once however often it was repeated. A retransmission has the
 * branch of what it repeats; with another one it is another request, though it has the same CSeq (RFC 3261 section 17.2.3).
 */
export function requestsAfter(
  { trace }: Pick<Witness, 'trace'>,
  by: TracedMessage['by'],
  method: string,
  at: number,
): TracedRequest[] {
  const seen = new Set<string>();
  return trace.filter((one): one is TracedRequest => {
    if (!isRequest(one) || one.by !== by || one.at < at || one.message.method !== method) return false;
    const { cseq, vias } = one.message;
    const transaction = `${cseq.number} ${vias[0]?.params.get('branch') ?? ''}`;
    if (seen.has(transaction)) return false;
    seen.add(transaction);
    return true;
  });
}

/** First final answer to a request. */
export function answerTo(
  { trace }: Pick<Witness, 'trace'>,
  request: TracedRequest,
): TracedMessage | undefined {
  const { cseq } = request.message;
  return trace.find(
    ({ by, at, message }) =>
      by !== request.by &&
      at >= request.at &&
      message.kind === 'response' &&
      message.status >= 200 &&
      message.cseq.number === cseq.number &&
      message.cseq.method === cseq.method,
  );
}

export function isRequest(one: TracedMessage): one is TracedRequest {
  return one.message.kind === 'request';
}

export function statusOf(one: TracedMessage | undefined): number | undefined {
  return one?.message.kind === 'response' ? one.message.status : undefined;
}

function isAnswerTo(message: SipMessage, method: string): boolean {
  return (
    message.kind === 'response' &&
    message.status >= 200 &&
    message.status < 300 &&
    message.cseq.method === method
  );
}

/** Messages of which the Contact is a target (RFC 3261 sections 12.1 and 12.2, RFC 3311 section 5). */
function isTarget(message: SipMessage): boolean {
  const sets = ['INVITE', 'UPDATE'].includes(message.cseq.method) && message.contacts.length > 0;
  return sets && (message.kind === 'request' ? message.method !== 'ACK' : message.status < 300);
}

function lastSdp(before: readonly TracedMessage[], by: TracedMessage['by']): Sdp | undefined {
  return before
    .filter((one) => one.by === by)
    .flatMap(({ message }) => readSdp(message.body) ?? [])
    .at(-1);
}

/** The last 2xx to INVITE or UPDATE says what was agreed on (RFC 4028 section 7.2). */
function timerOf(before: readonly TracedMessage[]): Dialog['timer'] {
  const last = before
    .filter(({ message }) => isAnswerTo(message, 'INVITE') || isAnswerTo(message, 'UPDATE'))
    .at(-1);
  const expires = last?.message.sessionExpires ?? null;
  if (last === undefined || expires === null) return null;
  const uac = last.by === 'network' ? 'phone' : 'us';
  const uas = last.by === 'network' ? 'us' : 'phone';
  return { seconds: expires.seconds, refresher: expires.refresher === 'uac' ? uac : uas };
}
