import type { SessionDescription, SessionTimer } from './session.js';

/** A party of a dialog. */
export interface Party {
  /** Escapes resolved; empty where none was given. */
  readonly displayName: string;
  readonly uri: string;
}

/**
 * Why something in a dialog may be wrong:
 * - `creation-unseen`: the INVITE that created it, or its answer, was not captured, so that role, parties and route set
 *   are inferred from later messages;
 * - `target-inferred`: no Contact of the peer was captured; the remote target is the Request-URI of our own request;
 * - `target-refresh-open`: the peer asked for another remote target and our answer was not captured, or we accepted what
 *   it asked for and its request was not captured;
 * - `session-unseen`: of the session in force the description of one side, or of both, was not captured or cannot be read;
 * - `session-open`: after the session in force another was offered, or a re-INVITE or UPDATE was sent, and it or what became
 *   of it was not captured.
 *
 * In doubt of the first three a re-INVITE may go to the wrong place or be refused with 481, which ends the call. In doubt
 * of the session alone it does not ({@link isAdvisory}): its offer and answer make a new session.
 */
export type UnsureReason =
  'creation-unseen' | 'target-inferred' | 'target-refresh-open' | 'session-unseen' | 'session-open';

/** Whether the doubt is of the session alone, so that a re-INVITE cannot do harm. */
export function isAdvisory(reason: string): boolean {
  return reason === 'session-unseen' || reason === 'session-open';
}

/**
 * One SIP dialog (RFC 3261 section 12) as the Asterisk that holds it saw it: "local" is Asterisk, "remote" its peer.
 * Times are whole milliseconds since the Unix epoch.
 */
export interface Dialog {
  readonly callId: string;
  /** Empty while our side has not answered the INVITE with a tag: an invitation, not a dialog yet. */
  readonly localTag: string;
  /** Empty while the peer has not answered our INVITE with a tag: an invitation, not a dialog yet. */
  readonly remoteTag: string;
  /** Whether our side sent the INVITE that created the dialog. */
  readonly role: 'uac' | 'uas';
  /**
   * `ended`: BYE by either side; 481 or 408 to a request of ours; 481 of the node that holds it to one of the peer's; an
   * INVITE that was refused or cancelled; an early dialog when another fork of its INVITE is confirmed, or by 199.
   */
  readonly state: 'early' | 'confirmed' | 'ended';
  /** The node that was last to speak for the dialog, by the CSeq of our side. */
  readonly nodeId: string;
  readonly local: Party;
  readonly remote: Party;
  /** CSeq of the INVITE that created it (after a challenge, of the last); null where it was not captured. */
  readonly inviteCSeq: number | null;
  /** Highest CSeq that our side used, 0 for none. */
  readonly localCSeq: number;
  /** Highest CSeq that the peer used, 0 for none. */
  readonly remoteCSeq: number;
  /** Route values, each as written (`<sip:proxy;lr>`), in the order in which a request of ours carries them. */
  readonly routeSet: readonly string[];
  /** URI of the peer's Contact, with all its parameters (`;alias=` too), after every target refresh; null if unknown. */
  readonly remoteTarget: string | null;
  /** URI of our own Contact. */
  readonly localContact: string | null;
  /** Of the hop between Asterisk and its peer: `udp`, `tcp`, `tls`, `ws`, `wss`. */
  readonly transport: string;
  /** The peer's side has asked us for digest credentials. */
  readonly digestChallenged: boolean;
  /**
   * What each side last said in an offer/answer exchange that was completed (RFC 3264); null where that was not seen. The
   * version of our own origin is the highest that our side has used, also in an offer that was refused or is open: the
   * next one must exceed it.
   */
  readonly localSession: SessionDescription | null;
  readonly remoteSession: SessionDescription | null;
  /** Null where there is none, or where none was seen. */
  readonly sessionTimer: SessionTimer | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly confirmedAt: number | null;
  readonly endedAt: number | null;
  readonly unsure: readonly UnsureReason[];
}
