import type { Call } from '../call/call.js';
import type { BereftTreatment } from '../bereft.js';
import type { PlannedConference } from '../conference/planned-conference.js';
import type { Candidate } from '../placement/candidate.js';
import type { RestoreFact } from '../restore.js';
import type { BridgeResume } from '../resume.js';
import type { SkipReason } from './reasons.js';
import type { Disagreement, Limits, PlannedLeg, SkippedLeg, Trigger, WaitedFor } from './events.js';

/** Begin the recovery of a call. `at`: epoch ms, the time that its events carry. */
export interface PlanRecovery {
  readonly type: 'PlanRecovery';
  readonly recoveryId: string;
  readonly call: Pick<Call, 'callId' | 'kind' | 'nodeId' | 'incarnation' | 'join' | 'linkedId'>;
  readonly legs: readonly PlannedLeg[];
  readonly skipped: readonly SkippedLeg[];
  /** Null where no node can take the call. */
  readonly target: Pick<Candidate, 'nodeId' | 'incarnation'> | null;
  readonly trigger: Trigger;
  readonly limits: Limits;
  /** What the call's ARI bridge goes on with. */
  readonly bridgeResume?: BridgeResume;
  /** Where another source of dialogs had to be asked first. */
  readonly waitedFor?: WaitedFor;
  /** What the sources do not say alike of the dialogs of the call. */
  readonly disagreements?: readonly Disagreement[];
  /** Where the call has to wait for an operator: why, and until when (epoch ms). */
  readonly hold?: { readonly reason: SkipReason; readonly until: number };
  /** Where the call was part of a conference that is, or may be, on several nodes. */
  readonly conference?: PlannedConference;
  /** What is done with the one leg of it that is left where the others cannot return. */
  readonly bereft?: BereftTreatment;
  /** What one who waits for the others hears meanwhile. */
  readonly comfort?: string;
  /** The nodes that may take it, where it matters which of them others choose for it. */
  readonly fit?: readonly Candidate[];
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

/** What an `AttemptAwaited` waited for may have come: its time has. */
export interface StartAttempt {
  readonly type: 'StartAttempt';
  readonly attempt: number;
  /** Nodes that could take it. */
  readonly candidates: readonly Candidate[];
  readonly at: number;
}

/** A node is dead for certain, fenced where it had to be. */
export interface TargetDied {
  readonly type: 'TargetDied';
  readonly nodeId: string;
  readonly incarnation: string;
  /** Channels of ours on it that the recovery of its own calls sees to; they had come back. */
  readonly takenOver: ReadonlySet<string>;
  /** Channels of ours on it that had come back and were hung up before it died. */
  readonly ended: ReadonlySet<string>;
  readonly candidates: readonly Candidate[];
  readonly at: number;
}

/** Take note of what the sources do not say alike; found after the plan. */
export interface NoteDisagreements {
  readonly type: 'NoteDisagreements';
  readonly disagreements: readonly Disagreement[];
  readonly at: number;
}

/** An operator lets a held call go. */
export interface ReleaseHold {
  readonly type: 'ReleaseHold';
  /** Only calls that are held for one of these; any where it is absent. */
  readonly heldFor?: readonly SkipReason[];
  readonly requestedBy: string;
  readonly reason: string;
  readonly candidates: readonly Candidate[];
  readonly at: number;
}

/** A call that waits for a node waits for an operator from now on; not one that an operator has asked for, or let go before. */
export interface HoldRecovery {
  readonly type: 'HoldRecovery';
  readonly reason: SkipReason;
  /** When it is given up, epoch ms. */
  readonly until: number;
  readonly at: number;
}

/** A call of which nothing was dialled yet is left alone after all. */
export interface AbandonRecovery {
  readonly type: 'AbandonRecovery';
  readonly reason: SkipReason;
  readonly at: number;
}

/** One who was held because nobody else came back has been held for long enough. */
export interface EndBereftHold {
  readonly type: 'EndBereftHold';
  readonly at: number;
}

export type RecoveryCommand =
  | PlanRecovery
  | RecordFact
  | TimeOutAttempt
  | StartAttempt
  | TargetDied
  | NoteDisagreements
  | HoldRecovery
  | ReleaseHold
  | AbandonRecovery
  | EndBereftHold;
