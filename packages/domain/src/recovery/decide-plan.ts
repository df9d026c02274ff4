import type { PlanRecovery } from './commands.js';
import type { PlannedLeg, RecoveryEvent, RecoveryIdentity, RecoveryPlanned, SkippedLeg } from './events.js';
import { attemptAt } from './retry.js';

/** The first events of a recovery: the plan, and its first attempt or its outcome where nothing can be attempted. */
export function decidePlan(command: PlanRecovery): RecoveryEvent[] {
  const { recoveryId, call, trigger, limits, target, at } = command;
  const { callId, kind, nodeId, incarnation, join } = call;
  const identity: RecoveryIdentity = { recoveryId, callId, nodeId, incarnation };
  const plan = (legs: PlannedLeg[], skipped: SkippedLeg[]): RecoveryPlanned => {
    return { type: 'RecoveryPlanned', ...identity, trigger, kind, join, legs, skipped, limits, at };
  };
  if (target === null || command.legs.length === 0) {
    const unplaced = command.legs.map(({ legId, sipCallId, endpoint }): SkippedLeg => ({
      legId,
      sipCallId,
      endpoint,
      reason: 'no-target',
    }));
    const skipped = [...unplaced, ...command.skipped];
    const reason = skipped[0]?.reason ?? 'dialog-unknown';
    return [plan([], skipped), { type: 'RecoveryCompleted', ...identity, outcome: 'skipped', reason, at }];
  }
  const planned = plan([...command.legs], [...command.skipped]);
  return [planned, attemptAt(planned, 1, target, new Set(planned.legs.map((leg) => leg.legId)), at)];
}
