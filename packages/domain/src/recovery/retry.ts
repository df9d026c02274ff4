import type { Candidate } from '../placement/candidate.js';
import { chooseTarget } from '../placement/choose-target.js';
import { identityOf, type AttemptStarted } from './events.js';
import { channelIdOf } from './ids.js';
import type { Reason } from './reasons.js';
import { isSettled, mayRetry, type Plan, type RestoringState } from './state.js';

/** For how long after the attempt's own time its end is waited for: the way of the last fact to us. */
const GRACE_MS = 1_000;

const DEADLINE_PASSED: Reason = 'deadline-passed';

/**
 * The next attempt, once the present one has ended and legs are left that no re-INVITE was sent for; null where there is
 * none to make. Where nothing was sent for any leg the whole call goes to another target, else the rest joins the others. A
 * target that the command reached too late has not failed: it may be the only one.
 */
export function nextAttempt(
  state: RestoringState,
  candidates: readonly Candidate[],
  at: number,
): AttemptStarted | null {
  const { plan, legs, tried, attempt } = state;
  const left = legs.filter(mayRetry);
  if (left.length === 0 || !legs.every(isSettled) || attempt.attempt >= plan.limits.maxAttempts) return null;
  const isLate = left.every((leg) => leg.refused?.reason === DEADLINE_PASSED);
  const target =
    left.length === legs.length
      ? (chooseTarget(candidates, new Set(tried)) ?? (isLate ? chooseTarget(candidates, new Set()) : null))
      : candidates.find((c) => c.nodeId === attempt.target && c.incarnation === attempt.targetIncarnation);
  if (target === null || target === undefined) return null;
  return attemptAt(plan, attempt.attempt + 1, target, new Set(left.map((leg) => leg.legId)), at);
}

/** An attempt at some legs of a plan, beginning at `at`. */
export function attemptAt(
  plan: Plan,
  attempt: number,
  target: Pick<Candidate, 'nodeId' | 'incarnation'>,
  legIds: ReadonlySet<string>,
  at: number,
): AttemptStarted {
  const legs = plan.legs.flatMap(({ legId }, number) =>
    legIds.has(legId) ? [{ legId, channelId: channelIdOf(plan.recoveryId, number, attempt) }] : [],
  );
  const notAfter = at + plan.limits.attemptTimeoutMs;
  const deadlineAt = notAfter + plan.limits.attemptTimeoutMs + GRACE_MS;
  return {
    type: 'AttemptStarted',
    ...identityOf(plan),
    attempt,
    target: target.nodeId,
    targetIncarnation: target.incarnation,
    legs,
    notAfter,
    deadlineAt,
    at,
  };
}
