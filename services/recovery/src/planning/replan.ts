import {
  planRecoveries,
  type Disagreement,
  type PlanInput,
  type PlanRecovery,
  type SkippedLeg,
} from '@reinvite/domain';
import type { Clarified } from './clarify.js';
import { dialogViews } from './dialog-views.js';
import type { Unclear } from './unclear.js';

/**
 * Plans calls anew, now that HOMER has been asked about their legs. What it could not tell of stays where it is, also where
 * the ledger alone would do: it was asked because that was not enough.
 */
export function replan(
  input: PlanInput,
  unclear: readonly Unclear[],
  { dialogs: told, untold, disagreements, waitedFor }: Clarified,
): PlanRecovery[] {
  const dialogs = new Map([...input.dialogs, ...dialogViews(told)]);
  for (const callId of untold) dialogs.delete(callId);
  const wanted = new Map(unclear.map(({ command, legs }) => [command.recoveryId, legs]));
  // HOMER settles by itself that nothing is missing: what it told of needs no ledger's word.
  return planRecoveries({ ...input, dialogs, ledgerHeard: true })
    .filter(({ recoveryId }) => wanted.has(recoveryId))
    .map((command): PlanRecovery => {
      const legs = wanted.get(command.recoveryId) ?? [];
      return {
        ...command,
        skipped: command.skipped.map((leg) => reasoned(leg, untold)),
        waitedFor,
        disagreements: legs.flatMap(({ legId, record }) =>
          (disagreements.get(record.sipCallId) ?? []).map((one): Disagreement => ({ legId, ...one })),
        ),
      };
    });
}

function reasoned(leg: SkippedLeg, untold: ReadonlySet<string>): SkippedLeg {
  return untold.has(leg.sipCallId) && leg.reason === 'dialog-unknown'
    ? { ...leg, reason: 'homer-unanswered' }
    : leg;
}
