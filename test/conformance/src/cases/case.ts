import { PLAIN, type Factors } from './factors.js';

/** What a case by name needs beyond the factors of the matrix. Absent: as in an ordinary call. */
export interface Extras {
  /** First CSeq of the phone: far from ours, so that the two number spaces cannot be mixed up unnoticed. */
  readonly phoneCseq?: number;
  /** The phone's INFO is the last message before the crash. */
  readonly lastWordIsThePhones?: boolean;
  /** The phone's Contact is a private address that is routed nowhere; only the route set leads to it. */
  readonly behindNat?: boolean;
  /** The phone thinks so long before it answers the re-INVITE 200, in ms. */
  readonly answersAfterMs?: number;
  /** SRTP of the leg: keys in SDP (RFC 4568) or DTLS (RFC 5763). */
  readonly srtp?: 'sdes' | 'dtls';
  /** The phone prefers Opus, under a payload type of its own choice, and so does Asterisk. */
  readonly opus?: boolean;
  /** The phone offers video too, which Asterisk refuses. */
  readonly video?: boolean;
  /** How Asterisk and the edge speak with each other, where it is not UDP over IPv4. */
  readonly trunk?: 'tcp' | 'tls' | '6';
  /** Session-Expires in seconds, where a timer is running. */
  readonly sessionExpires?: number;
  /** The phone, or we, refresh once after the recovery, before the call ends. */
  readonly awaitsRefresh?: boolean;
  /** How far the call has come when the node dies. */
  readonly stage?: 'early' | 'ended';
  /** The call is on another node than the one that dies. */
  readonly elsewhere?: boolean;
  /** Its node does nothing for a moment, as one does that is short of processor. */
  readonly busy?: boolean;
  /** How many nodes die under it, one after the other; default 1. */
  readonly crashes?: number;
}

/** One case: a call, and what is to become of it. */
export interface Case {
  /** Unique; part of user names, so letters, digits and `-` only. */
  readonly id: string;
  readonly title: string;
  readonly factors: Factors;
  readonly extras: Extras;
}

export function caseOf(
  id: string,
  title: string,
  factors: Partial<Factors> = {},
  more: { readonly extras?: Extras } = {},
): Case {
  return {
    id,
    title,
    factors: { ...PLAIN, ...factors },
    extras: more.extras ?? {},
  };
}
