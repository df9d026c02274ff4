import type { RecoveryReport } from './recovery-report.js';

/** Why an attempt at a leg did not succeed, as `LegRefused` gives it. */
export type RefusalReason =
  | 'REINVITE_REJECTED'
  | 'REINVITE_UNANSWERED'
  /** 3xx. */
  | 'REINVITE_REDIRECTED'
  /** 491: the phone has a re-INVITE of its own under way (RFC 3261 section 14.1). */
  | 'REINVITE_COLLIDED'
  /** 500: the CSeq was too low, or another INVITE is open (RFC 3261 sections 12.2.2 and 14.2). */
  | 'REINVITE_OUT_OF_ORDER'
  /** 488, 606, or a 200 whose answer cannot be used. */
  | 'OFFER_REJECTED'
  /** 503, or no way to the next hop. */
  | 'SERVER_UNAVAILABLE'
  /** 401 or 407, to the credentials of the endpoint too. */
  | 'CREDENTIALS_REFUSED'
  /** 481: the phone no longer has the dialog (RFC 3261 section 12.2.1.2). */
  | 'DIALOG_GONE'
  /** 408, of whoever is on the way: the same. */
  | 'PHONE_UNREACHABLE'
  /** `res_pjsip_recovery` refused the variables. */
  | 'MODULE_REFUSED'
  /** It cannot offer the session that the leg had, at this node's endpoint; nothing was sent. */
  | 'OFFER_UNSUPPORTED'
  /** ARI refused the originate. */
  | 'ORIGINATE_REFUSED'
  | 'TARGET_UNREACHABLE'
  | 'DEADLINE_PASSED'
  /** The target's connection or process went away in the middle. */
  | 'TARGET_LOST'
  /** Whether a re-INVITE was sent cannot be told. */
  | 'OUTCOME_UNKNOWN';

/** Why legs that had answered were not joined, as `JoinFailed` gives it. */
export type JoinReason = 'LEG_ENDED' | 'JOIN_TIMEOUT' | 'BRIDGE_REFUSED';

export interface Refusal {
  readonly reason: RefusalReason;
  /** False only where it is certain that no re-INVITE has left. */
  readonly sent: boolean;
  /** Q.850 cause where the channel ended. */
  readonly cause: number | null;
  /** SIP status of the answer; null where there was none, or the target does not tell it. */
  readonly status: number | null;
  /** What the answer's `Retry-After` says, ms. */
  readonly retryAfterMs: number | null;
}

/** The module's code where the endpoint has not the codecs or the form of SRTP that the leg had. */
const OFFER_UNSUPPORTED = 'REC-SDP-UNSUPPORTED';

/** The module's code where this re-INVITE had left already, by an originate that somebody else had sent. */
const REPEATED = 'REC-CSEQ-USED';

/** The part of a refusal of which nothing is known where the phone was not heard. */
export const UNHEARD = { cause: null, status: null, retryAfterMs: null } as const;

/**
 * Q.850: no user responding (what 408 becomes), no answer from user (480, and the end of the originate's own time, which
 * Asterisk reports as 480 too); 0 is what older releases give for the latter.
 */
const UNANSWERED_CAUSES: ReadonlySet<number> = new Set([0, 18, 19]);

const BY_STATUS: ReadonlyMap<number, RefusalReason> = new Map([
  [200, 'OFFER_REJECTED'],
  [401, 'CREDENTIALS_REFUSED'],
  [407, 'CREDENTIALS_REFUSED'],
  [408, 'PHONE_UNREACHABLE'],
  [481, 'DIALOG_GONE'],
  [488, 'OFFER_REJECTED'],
  [491, 'REINVITE_COLLIDED'],
  [500, 'REINVITE_OUT_OF_ORDER'],
  [503, 'SERVER_UNAVAILABLE'],
  [606, 'OFFER_REJECTED'],
]);

/**
 * What a channel's end before its answer says.
 * @param cause Q.850
 * @param sipStatus as Asterisk tells it (since 22.7), of the phone's response or of its own hang-up; null where it tells none
 * @param report of `res_pjsip_recovery`; null where it made none: the originate's time was over, or the module is another's.
 *   Without it a refusal by the module cannot be told from an answer of the phone, and counts as sent.
 */
export function refusalOf(cause: number, sipStatus: number | null, report: RecoveryReport | null): Refusal {
  if (report?.result === 'refused' && report.code === REPEATED)
    return { ...UNHEARD, reason: 'OUTCOME_UNKNOWN', sent: true, cause };
  if (report?.result === 'refused') {
    const reason = report.code === OFFER_UNSUPPORTED ? 'OFFER_UNSUPPORTED' : 'MODULE_REFUSED';
    return { ...UNHEARD, reason, sent: false, cause };
  }
  if (report !== null && !report.received)
    return { ...UNHEARD, reason: withoutAnswer(report.status), sent: true, cause };
  if (report === null && UNANSWERED_CAUSES.has(cause))
    return { ...UNHEARD, reason: 'REINVITE_UNANSWERED', sent: true, cause };
  const status = report === null ? sipStatus : report.status;
  const retryAfterMs = report?.retryAfterMs ?? null;
  return { reason: ofAnswer(status), sent: true, cause, status, retryAfterMs };
}

function ofAnswer(status: number | null): RefusalReason {
  if (status !== null && status >= 300 && status < 400) return 'REINVITE_REDIRECTED';
  return BY_STATUS.get(status ?? 0) ?? 'REINVITE_REJECTED';
}

/** pjsip makes a status up where none came: 503 for a transport that failed, 408 for a time that is over, 487 for a CANCEL. */
function withoutAnswer(status: number): RefusalReason {
  return status === 503 ? 'SERVER_UNAVAILABLE' : 'REINVITE_UNANSWERED';
}
