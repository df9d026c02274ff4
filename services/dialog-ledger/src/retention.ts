import { isInvitation, viewOf, visible, type CallDialogs, type Evidence } from '@reinvite/sip';

/** How long what is over stays, in milliseconds after the last message of its Call-ID. */
export interface Retention {
  readonly endedMs: number;
  /** An INVITE that nobody answers with a final response is given up by every proxy well before (RFC 3261 timer C). */
  readonly earlyMs: number;
  /** Time for another fork to answer the same INVITE (RFC 3261 section 13.2.2.4: 64*T1). */
  readonly answeredInvitationMs: number;
  /** A confirmed dialog of which nothing is heard for so long has ended, and its BYE was missed. */
  readonly silentMs: number;
  /**
   * The same for a dialog whose creation was not seen: it may never have been one, as where a phone's re-INVITE came to a
   * node that did not know the dialog.
   */
  readonly straySilentMs: number;
}

/** The dialogs of a Call-ID, and how long each of them stays. */
export function lives(call: CallDialogs, retention: Retention): [Evidence, number][] {
  const shown = new Set(visible(call));
  return [...call.evidence.values()].map((one) => [one, lifeOf(one, shown.has(one), retention)]);
}

function lifeOf(evidence: Evidence, shown: boolean, retention: Retention): number {
  const dialog = viewOf(evidence);
  if (dialog === null || (isInvitation(dialog) && !shown)) return retention.answeredInvitationMs;
  if (dialog.state === 'ended') return retention.endedMs;
  if (dialog.state === 'early') return retention.earlyMs;
  return dialog.unsure.includes('creation-unseen') ? retention.straySilentMs : retention.silentMs;
}

/** No dialog is over sooner. */
export function shortest({ endedMs, earlyMs, answeredInvitationMs }: Retention): number {
  return Math.min(endedMs, earlyMs, answeredInvitationMs);
}
