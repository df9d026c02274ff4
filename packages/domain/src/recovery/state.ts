import type { AttemptAwaited, AttemptStarted, LegsBereft, Outcome, RecoveryPlanned } from './events.js';

export type Plan = Omit<RecoveryPlanned, 'type'>;
export type CurrentAttempt = Pick<
  AttemptStarted,
  'attempt' | 'target' | 'targetIncarnation' | 'rejoined' | 'notAfter' | 'deadlineAt'
>;
/** An attempt that is to be made when its time has come. */
export type Waiting = Pick<AttemptAwaited, 'attempt' | 'reason' | 'dueAt' | 'until'>;

/** How far one leg has come in its latest attempt. Facts only ever add to it, so their order does not matter. */
export interface LegProgress {
  readonly legId: string;
  readonly attempt: number;
  readonly channelId: string;
  readonly target: string;
  readonly originated: boolean;
  readonly answered: boolean;
  /** Its phone's answer became known when its node was dead and the leg given up there. */
  readonly answeredLate: boolean;
  readonly refused: {
    readonly sent: boolean;
    readonly reason: string;
    readonly retryAfterMs: number | null;
  } | null;
  /** True where the offer is Asterisk's own and not the one of the session that was. */
  readonly plainOffer: boolean;
  /** Whether it is known what came back of what was going on. */
  readonly resumed?: boolean;
  /** How its attempts before this one ended, oldest first. */
  readonly history: readonly string[];
}

/** Whether the legs were joined; null while nothing is known. */
export type JoinProgress =
  { readonly joined: true } | { readonly joined: false; readonly reason: string } | null;

/** One recovery; each phase has what it needs. */
export type RecoveryState =
  | { readonly phase: 'unplanned' }
  | { readonly phase: 'planned'; readonly plan: Plan }
  | {
      readonly phase: 'awaiting';
      readonly plan: Plan;
      readonly waiting: Waiting;
      /** Waits for an operator, not for a node. */
      readonly held: boolean;
      /** An operator has let it go. */
      readonly released: boolean;
    }
  | RestoringState
  | CompletedState;

export interface CompletedState {
  readonly phase: 'completed';
  readonly plan: Plan;
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly legs: readonly LegProgress[];
  readonly bridgeResumed?: boolean;
  /** Of the last attempt's target; absent where there was none. */
  readonly targetIncarnation?: string;
  /** The one leg that is left of the call. */
  readonly bereft?: LegsBereft;
  /** Whether music plays to it; absent while nothing is known. */
  readonly bereftHeld?: boolean;
  /** When it had been held for long enough, epoch ms. */
  readonly bereftOver?: number;
}

export interface RestoringState {
  readonly phase: 'restoring';
  readonly plan: Plan;
  readonly attempt: CurrentAttempt;
  /** Nodes that have been given legs of the call, this attempt's included. */
  readonly tried: readonly string[];
  /** Every leg of the plan, save those that the target makes needless. */
  readonly legs: readonly LegProgress[];
  readonly join: JoinProgress;
  /** Whether it is known what came back of what was going on in the bridge. */
  readonly bridgeResumed?: boolean;
  /** An attempt before has brought somebody back on this target: what was going on in the bridge is its worker's to bring back. */
  readonly bridgeGoesOn?: boolean;
  readonly timedOut: boolean;
  /** The next attempt, where it is waited for. */
  readonly waiting: Waiting | null;
  /** The target of the latest attempt is dead for certain. */
  readonly targetDead: boolean;
  /** Legs that the recovery of the dead target's own calls sees to. */
  readonly takenOver: readonly string[];
}

export const unplanned: RecoveryState = { phase: 'unplanned' };
