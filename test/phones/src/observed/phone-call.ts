/** What one phone saw of one of its dialogs, from the SIP at its own interface. Times: epoch ms with a fraction. */

export type Side = 'phone' | 'network';

/** One request inside the dialog, with its answer; retransmissions are counted, not repeated. */
export interface ObservedRequest {
  readonly method: string;
  readonly by: Side;
  readonly cseq: number;
  /** Of its topmost Via: what tells it from another request with the same method and CSeq. */
  readonly branch: string;
  readonly fromTag: string;
  readonly toTag: string;
  readonly requestUri: string;
  /** First time it was seen. */
  readonly at: number;
  /** How often it was seen. */
  times: number;
  /** Asterisk's name for itself (User-Agent of the request, Server of the answer), empty where it did not say. */
  node: string;
  /** First final answer. */
  answer: { readonly status: number; readonly at: number } | null;
  /** When the ACK of an answered INVITE was seen. */
  ackedAt: number | null;
}

/** One dialog of one phone. */
export interface PhoneCall {
  readonly callId: string;
  readonly role: 'caller' | 'callee';
  /** User of the caller's From: the same at both phones of a call, so it joins them. */
  readonly number: string;
  /** User that was dialled: `app-…`, `bridge-…`, `dial-…`; `phone-<port>` at a callee. */
  readonly dialled: string;
  /** The phone's own SIP port. */
  readonly sipPort: number;
  /** The INVITE that began it. */
  readonly invite: ObservedRequest;
  /** Everything later, in the order of the first sight. */
  readonly requests: ObservedRequest[];
  localTag: string;
  remoteTag: string;
  /** UDP ports at which the phone has asked for RTP. */
  readonly rtpPorts: Set<number>;
}

/** When the phone considered itself in the call: the 200 and its ACK have been seen. Null before. */
export function establishedAt(call: PhoneCall): number | null {
  const { answer, ackedAt } = call.invite;
  return answer !== null && answer.status < 300 ? ackedAt : null;
}

/** The first BYE, of either side. */
export function byeOf(call: PhoneCall): ObservedRequest | undefined {
  return call.requests.find(({ method }) => method === 'BYE');
}

/** re-INVITEs of the network after the given moment. */
export function reinvitesAfter(call: PhoneCall, at: number): ObservedRequest[] {
  return call.requests.filter((r) => r.method === 'INVITE' && r.by === 'network' && r.at >= at);
}

/** ms from the given moment until the phone first answered 200 to a re-INVITE that came after it; null if it has not. */
export function answeredAfter(call: PhoneCall, at: number): number | null {
  const answers = reinvitesAfter(call, at).flatMap(({ answer }) => answer ?? []);
  const good = answers.find(({ status }) => status === 200);
  return good === undefined ? null : good.at - at;
}

/** The phone is in the call at the given moment: established, and no BYE of either side seen yet. */
export function isTalkingAt(call: PhoneCall, at: number): boolean {
  const since = establishedAt(call);
  const bye = byeOf(call);
  return since !== null && since <= at && (bye === undefined || bye.at > at);
}

/** Which node spoke last to the phone before the given moment; empty where none has said its name. */
export function nodeAt(call: PhoneCall, at: number): string {
  const spoken = [call.invite, ...call.requests].filter((r) => r.at <= at && r.node !== '');
  return spoken.at(-1)?.node ?? '';
}

/** Highest CSeq that the network's side has used in the dialog before the given moment, 0 for none. */
export function networkCseqBefore(call: PhoneCall, at: number): number {
  const used = [call.invite, ...call.requests].filter((r) => r.by === 'network' && r.at < at);
  return Math.max(0, ...used.map(({ cseq }) => cseq));
}
