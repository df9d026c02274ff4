import type { PlanRecovery } from './commands.js';
import {
  identityOf,
  type Disagreement,
  type PlannedLeg,
  type RecoveryEvent,
  type RecoveryIdentity,
  type RecoveryPlanned,
  type SkippedLeg,
} from './events.js';
import { attemptAt, awaitNode, needless } from './retry.js';

/** What the sources of dialogs do not say alike, as events. */
export function disagreed(
  recovery: RecoveryIdentity,
  disagreements: readonly Disagreement[],
  at: number,
): RecoveryEvent[] {
  return disagreements.map((disagreement): RecoveryEvent => ({
    type: 'DialogSourcesDisagreed',
    ...identityOf(recovery),
    ...disagreement,
    at,
  }));
}

/** The first events of a recovery: the plan, and its first attempt or its outcome where nothing can be attempted. */
export function decidePlan(command: PlanRecovery): RecoveryEvent[] {
  const { recoveryId, call, trigger, limits, waitedFor, target, at } = command;
  const { callId, kind, nodeId, incarnation, join, linkedId } = call;
  const { bridgeResume, conference, bereft, comfort } = command;
  const identity: RecoveryIdentity = { recoveryId, callId, nodeId, incarnation };
  const plan = (legs: PlannedLeg[], skipped: SkippedLeg[]): RecoveryPlanned => {
    const waited = waitedFor === undefined ? {} : { waitedFor };
    return {
      type: 'RecoveryPlanned',
      ...identity,
      trigger,
      kind,
      join,
      legs,
      skipped,
      limits,
      ...(bridgeResume === undefined ? {} : { bridgeResume }),
      ...(linkedId === undefined ? {} : { linkedId }),
      ...waited,
      ...(conference === undefined ? {} : { conference }),
      ...(bereft === undefined ? {} : { bereft }),
      ...(comfort === undefined ? {} : { comfort }),
      at,
    };
  };
  const noted = disagreed(identity, command.disagreements ?? [], at);
  const planned = plan([...command.legs], [...command.skipped]);
  if (command.hold !== undefined && planned.legs.length > 0)
    return [planned, ...noted, { type: 'RecoveryHeld', ...identity, ...command.hold, at }];
  const awaited = target === null && planned.legs.length > 0 ? awaitNode(planned, 1, null, at) : null;
  if (awaited !== null) return [planned, ...noted, awaited];
  if (target === null || command.legs.length === 0) {
    const unplaced = command.legs.map(({ legId, sipCallId, endpoint }): SkippedLeg => ({
      legId,
      sipCallId,
      endpoint,
      reason: 'no-target',
    }));
    const skipped = [...unplaced, ...command.skipped];
    const reason = skipped[0]?.reason ?? 'dialog-unknown';
    const completed: RecoveryEvent = {
      type: 'RecoveryCompleted',
      ...identity,
      outcome: 'skipped',
      reason,
      at,
    };
    return [plan([], skipped), ...noted, completed];
  }
  const first = attemptAt(planned, 1, target, new Set(planned.legs.map((leg) => leg.legId)), at);
  return [planned, ...noted, first, ...needless(first)];
}
