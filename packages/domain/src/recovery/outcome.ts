import type { Outcome } from './events.js';
import { isSettled } from './retry.js';
import type { LegProgress, RestoringState } from './state.js';

export interface Verdict {
  readonly outcome: Outcome;
  /** Null only for `recovered`. */
  readonly reason: string | null;
}

/** How a recovery ended; null while it goes on. A call has recovered when every leg has answered and, in an ARI bridge, all are joined. */
export function outcomeOf(state: RestoringState): Verdict | null {
  const { plan, legs, join, timedOut, targetDead } = state;
  const answered = legs.filter((leg) => leg.answered).length;
  if (!legs.every((leg) => isSettled(leg, state)) && !timedOut) return null;
  const lost = legs.find((leg) => !leg.answered);
  if (answered === 0) return { outcome: 'failed', reason: reasonOf(lost, targetDead) };
  if (lost !== undefined) return { outcome: 'partly-recovered', reason: reasonOf(lost, targetDead) };
  if (join === null && waitsForJoin(state)) {
    return timedOut ? { outcome: 'partly-recovered', reason: 'join-unconfirmed' } : null;
  }
  if (join?.joined === false) return { outcome: 'partly-recovered', reason: 'join-failed' };
  const [skipped] = plan.skipped;
  return skipped === undefined
    ? { outcome: 'recovered', reason: null }
    : { outcome: 'partly-recovered', reason: skipped.reason };
}

function waitsForJoin({ plan }: RestoringState): boolean {
  return plan.join.kind === 'ari-bridge';
}

function reasonOf(leg: LegProgress | undefined, targetDead: boolean): string {
  return leg?.refused?.reason ?? (targetDead ? 'target-lost' : 'attempt-timed-out');
}
