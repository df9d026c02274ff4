export type {
  AbandonRecovery,
  EndBereftHold,
  HoldRecovery,
  NoteDisagreements,
  PlanRecovery,
  RecordFact,
  RecoveryCommand,
  ReleaseHold,
  StartAttempt,
  TargetDied,
  TimeOutAttempt,
} from './commands.js';
export { decide } from './decide.js';
export { historySince, quarantineOf, type Death, type PastRecovery } from './call-history.js';
export { allowsUnsure, type RecoveryPolicy, type Treatment } from './policy.js';
export type { DialogView, DialogViews } from './eligibility.js';
export {
  recoveryEvent,
  type AttemptStarted,
  type Disagreement,
  type LegsBereft,
  type Limits,
  type Outcome,
  type PlannedLeg,
  type RecoveryEvent,
  type RecoveryIdentity,
  type RecoveryPlanned,
  type SkippedLeg,
  type Trigger,
  type WaitedFor,
} from './events.js';
export { evolve } from './evolve.js';
export { channelIdOf, commandIdOf, recoveryIdOf, recoveryOfChannel, recoveryStream } from './ids.js';
export {
  advance,
  newRecovery,
  recoveryMachine,
  type RecoveryEffect,
  type RecoverySnapshot,
} from './machine.js';
export { MAX_AGE_MS, planRecoveries, type PlanInput, type Restraint } from './plan.js';
export { REASONS, workerReason, type Reason, type SkipReason } from './reasons.js';
export { cseqOfAttempt } from './dialog-of-attempt.js';
export { whatOfMusic, whatOfPlayback, whatOfRecording } from './resume-plan.js';
export { restoreCallOf } from './restore-command.js';
export {
  unplanned,
  type CompletedState,
  type LegProgress,
  type RecoveryState,
  type RestoringState,
} from './state.js';
