import { crashesNodes } from './again.js';
import type { Outcome } from './events.js';
import type { Reason } from './reasons.js';
import { isSettled } from './retry.js';
import type { LegProgress, RestoringState } from './state.js';

const CRASHES_NODES: Reason = 'call-crashes-nodes';

export interface Verdict {
  readonly outcome: Outcome;
  /** Null only for `recovered`. */
  readonly reason: string | null;
}

/** How a recovery ended; null while it goes on. A call has recovered when every leg has answered and, in an ARI bridge, all are joined. */
export function outcomeOf(state: RestoringState): Verdict | null {
  const { plan, legs, join, timedOut } = state;
  const answered = legs.filter((leg) => leg.answered).length;
  if (!legs.every((leg) => isSettled(leg, state)) && !timedOut) return null;
  const lost = legs.find((leg) => !leg.answered);
  if (answered === 0) return { outcome: 'failed', reason: reasonOf(lost, state) };
  if (lost !== undefined) return { outcome: 'partly-recovered', reason: reasonOf(lost, state) };
  if (join === null && waitsForJoin(state)) {
    return timedOut ? { outcome: 'partly-recovered', reason: 'join-unconfirmed' } : null;
  }
  if (join?.joined === false) return { outcome: 'partly-recovered', reason: 'join-failed' };
  const rejoined = new Set(state.attempt.rejoined?.map(({ legId }) => legId));
  const skipped = plan.skipped.find(({ legId }) => !rejoined.has(legId));
  return skipped === undefined
    ? { outcome: 'recovered', reason: null }
    : { outcome: 'partly-recovered', reason: skipped.reason };
}

function waitsForJoin({ plan }: RestoringState): boolean {
  return plan.join.kind === 'ari-bridge';
}

/** What lost its last node while another recovery goes on with the rest is not at its limit: that one counts the crash. */
function reasonOf(leg: LegProgress | undefined, state: RestoringState): string {
  const isAtLimit = state.legs.some((one) => !one.answered && crashesNodes(one, state));
  if (isAtLimit && state.takenOver.length === 0) return CRASHES_NODES;
  return leg?.refused?.reason ?? (state.targetDead ? 'target-lost' : 'attempt-timed-out');
}
