import type { AttemptStarted, Outcome, RecoveryPlanned } from './events.js';

export type Plan = Omit<RecoveryPlanned, 'type'>;
export type CurrentAttempt = Pick<
  AttemptStarted,
  'attempt' | 'target' | 'targetIncarnation' | 'notAfter' | 'deadlineAt'
>;

/** How far one leg has come in its latest attempt. Facts only ever add to it, so their order does not matter. */
export interface LegProgress {
  readonly legId: string;
  readonly attempt: number;
  readonly channelId: string;
  readonly target: string;
  readonly originated: boolean;
  readonly answered: boolean;
  readonly refused: { readonly sent: boolean; readonly reason: string } | null;
}

/** Whether the legs were joined; null while nothing is known. */
export type JoinProgress =
  { readonly joined: true } | { readonly joined: false; readonly reason: string } | null;

/** One recovery; each phase has what it needs. */
export type RecoveryState =
  | { readonly phase: 'unplanned' }
  | { readonly phase: 'planned'; readonly plan: Plan }
  | RestoringState
  | {
      readonly phase: 'completed';
      readonly plan: Plan;
      readonly outcome: Outcome;
      readonly reason: string | null;
      readonly legs: readonly LegProgress[];
    };

export interface RestoringState {
  readonly phase: 'restoring';
  readonly plan: Plan;
  readonly attempt: CurrentAttempt;
  /** Nodes that have been given legs of the call, this attempt's included. */
  readonly tried: readonly string[];
  /** Every leg of the plan. */
  readonly legs: readonly LegProgress[];
  readonly join: JoinProgress;
  readonly timedOut: boolean;
}

export const unplanned: RecoveryState = { phase: 'unplanned' };

/** True where the leg's latest attempt has come to an end. */
export function isSettled(leg: LegProgress): boolean {
  return leg.answered || leg.refused !== null;
}

/** True where it is certain that the phone has seen nothing of the leg's latest attempt: it may be tried again. */
export function mayRetry(leg: LegProgress): boolean {
  return !leg.answered && !leg.originated && leg.refused !== null && !leg.refused.sent;
}
