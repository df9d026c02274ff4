import type { Call } from '../call/call.js';
import type { Candidate } from '../placement/candidate.js';
import type { RestoreFact } from '../restore.js';
import type { Disagreement, Limits, PlannedLeg, SkippedLeg, Trigger, WaitedFor } from './events.js';

/** Begin the recovery of a call. `at`: epoch ms, the time that its events carry. */
export interface PlanRecovery {
  readonly type: 'PlanRecovery';
  readonly recoveryId: string;
  readonly call: Pick<Call, 'callId' | 'kind' | 'nodeId' | 'incarnation' | 'join'>;
  readonly legs: readonly PlannedLeg[];
  readonly skipped: readonly SkippedLeg[];
  /** Null where no node can take the call. */
  readonly target: Pick<Candidate, 'nodeId' | 'incarnation'> | null;
  readonly trigger: Trigger;
  readonly limits: Limits;
  /** Where another source of dialogs had to be asked first. */
  readonly waitedFor?: WaitedFor;
  /** What the sources do not say alike of the dialogs of the call. */
  readonly disagreements?: readonly Disagreement[];
  readonly at: number;
}

/** Take note of what an ari-worker saw; may come twice and in any order. */
export interface RecordFact {
  readonly type: 'RecordFact';
  readonly fact: RestoreFact;
  /** Nodes that could take another attempt. */
  readonly candidates: readonly Candidate[];
  readonly at: number;
}

/** The deadline of an attempt has passed. */
export interface TimeOutAttempt {
  readonly type: 'TimeOutAttempt';
  readonly attempt: number;
  readonly at: number;
}

export type RecoveryCommand = PlanRecovery | RecordFact | TimeOutAttempt;
