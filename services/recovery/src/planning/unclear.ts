import { MAX_AGE_MS, type CallLeg, type PlanInput, type PlanRecovery } from '@reinvite/domain';

/** What keeps a leg from coming back and may be so only because the source has not seen all. */
const DOUBTS: ReadonlySet<string> = new Set([
  'dialog-unknown',
  'dialog-incomplete',
  'dialog-unsure',
  'dialog-early',
  // The ledger may have missed what a node sent when it took the call over.
  'dialog-elsewhere',
  'ledger-unheard',
]);

/** A call that cannot be planned from the first source alone, and the legs that another source is to be asked about. */
export interface Unclear {
  readonly command: PlanRecovery;
  readonly legs: readonly CallLeg[];
}

export interface Divided {
  /** What another source could not better. */
  readonly clear: readonly PlanRecovery[];
  readonly unclear: readonly Unclear[];
}

/** Which plans another source could better. A call is planned whole: one leg in doubt makes all of it wait. */
export function divideByDoubt(
  commands: readonly PlanRecovery[],
  { calls, trigger, at }: Pick<PlanInput, 'calls' | 'trigger' | 'at'>,
): Divided {
  const isTooLate = trigger.kind === 'node-down' && at - trigger.at > MAX_AGE_MS;
  if (isTooLate) return { clear: commands, unclear: [] };
  const legsOf = new Map(calls.map((call) => [call.callId, call.legs]));
  const clear: PlanRecovery[] = [];
  const unclear: Unclear[] = [];
  for (const command of commands) {
    const doubted = new Set(
      command.skipped.filter(({ reason }) => DOUBTS.has(reason)).map(({ legId }) => legId),
    );
    const legs = (legsOf.get(command.call.callId) ?? []).filter(
      (leg) => doubted.has(leg.legId) && isWorthAsking(leg),
    );
    if (legs.length === 0) clear.push(command);
    else unclear.push({ command, legs });
  }
  return { clear, unclear };
}

/** A leg that was not up is not recovered, whatever its dialog is. */
function isWorthAsking({ record }: CallLeg): boolean {
  return record.sipCallId !== '' && record.state === 'Up';
}
