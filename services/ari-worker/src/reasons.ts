/** Why an attempt at a leg did not succeed, as `LegRefused` gives it. */
export type RefusalReason =
  | 'REINVITE_REJECTED'
  | 'REINVITE_UNANSWERED'
  /** 481: the phone no longer has the dialog (RFC 3261 section 12.2.2). */
  | 'DIALOG_GONE'
  /** `res_pjsip_recovery` refused the variables. */
  | 'MODULE_REFUSED'
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
}

/**
 * How `res_pjsip_recovery` ends a channel whose variables it refuses, before any INVITE leaves: its Q.850 cause, and the
 * SIP status that Asterisk itself makes of it. No SIP response becomes this cause.
 */
const MODULE_REFUSAL = { cause: 111, sipStatus: 400 } as const;

/**
 * Q.850: no user responding (what 408 becomes), no answer from user (480, and the end of the originate's own time, which
 * Asterisk reports as 480 too); 0 is what older releases give for the latter.
 */
const UNANSWERED_CAUSES: ReadonlySet<number> = new Set([0, 18, 19]);

/**
 * What a channel's end before its answer says.
 * @param cause Q.850
 * @param sipStatus as Asterisk tells it (since 22.7), of the phone's response or of its own hang-up; null where it tells none
 */
export function refusalOf(cause: number, sipStatus: number | null): Refusal {
  const byModule =
    cause === MODULE_REFUSAL.cause && (sipStatus === null || sipStatus === MODULE_REFUSAL.sipStatus);
  if (byModule) return { reason: 'MODULE_REFUSED', sent: false, cause };
  if (sipStatus === 481) return { reason: 'DIALOG_GONE', sent: true, cause };
  return {
    reason: UNANSWERED_CAUSES.has(cause) ? 'REINVITE_UNANSWERED' : 'REINVITE_REJECTED',
    sent: true,
    cause,
  };
}
