import type { RecoveryEvent } from '@reinvite/domain';
import type { Logger } from '@reinvite/runtime';
import type { NodeBook } from '../nodes/node-book.js';

interface Tally {
  open: number;
  readonly outcomes: Record<string, number>;
}

/**
 * Follows what is recorded here, batch by batch: legs that are on their way count for their target at once; each call's end
 * is logged, and each node's when the last of its calls has ended.
 */
export function follow(
  nodes: Pick<NodeBook, 'assign'>,
  log: Logger,
): (events: readonly RecoveryEvent[]) => void {
  const tallies = new Map<string, Tally>();
  return (events) => {
    for (const event of events) {
      if (event.type === 'RecoveryPlanned') begun(tallies, event);
      if (event.type === 'AttemptStarted') nodes.assign(event.target, event.legs.length);
    }
    for (const event of events) if (event.type === 'RecoveryCompleted') completed(tallies, event, log);
  };
}

type Completed = Extract<RecoveryEvent, { readonly type: 'RecoveryCompleted' }>;

function begun(tallies: Map<string, Tally>, event: RecoveryEvent): void {
  const tally = tallies.get(keyOf(event));
  if (tally === undefined) tallies.set(keyOf(event), { open: 1, outcomes: {} });
  else tally.open += 1;
}

function completed(tallies: Map<string, Tally>, event: Completed, log: Logger): void {
  const { nodeId, incarnation, callId, recoveryId, outcome, reason } = event;
  const level = outcome === 'failed' || outcome === 'partly-recovered' ? 'warn' : 'debug';
  log[level]({ nodeId, callId, recoveryId, outcome, reason }, 'recovery completed');
  // Recoveries that began before this process did are not counted.
  const tally = tallies.get(keyOf(event));
  if (tally === undefined) return;
  tally.open -= 1;
  tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1;
  if (tally.open > 0) return;
  tallies.delete(keyOf(event));
  log.info({ nodeId, incarnation, ...tally.outcomes }, 'recoveries of a dead node have ended');
}

function keyOf({ nodeId, incarnation }: RecoveryEvent): string {
  return `${nodeId} ${incarnation}`;
}
