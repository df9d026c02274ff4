import { assign, initialTransition, setup, transition, type SnapshotFrom } from 'xstate';
import type { TendBereft } from '../bereft.js';
import type { RestoreCall } from '../restore.js';
import { tendBereftOf } from './bereft.js';
import type { RecoveryEvent } from './events.js';
import { evolve } from './evolve.js';
import { restoreCallOf } from './restore-command.js';
import { unplanned, type RecoveryState } from './state.js';

/** What a service has to do because of an event. */
export type RecoveryEffect =
  | { readonly type: 'sendRestoreCall'; readonly command: RestoreCall }
  | { readonly type: 'sendTendBereft'; readonly command: TendBereft }
  /** Asks for `TimeOutAttempt` (`attempt`), `StartAttempt` (`retry`) or `EndBereftHold` (`bereft`) once `dueAt` (epoch ms) has passed; a row, not a timer. */
  | {
      readonly type: 'setDeadline';
      readonly kind: 'attempt' | 'retry' | 'bereft';
      readonly recoveryId: string;
      readonly attempt: number;
      readonly dueAt: number;
    }
  | { readonly type: 'clearDeadlines'; readonly recoveryId: string };

type Context = { readonly recovery: RecoveryState };
type Params = { readonly state: RecoveryState };
const params = ({ context }: { context: Context }): Params => ({ state: context.recovery });
/** The machine only names its effects; the service carries them out after the events are stored. */
const named: (args: unknown, params: Params) => void = () => undefined;

/**
 * One call's recovery as a state machine over its events. `context.recovery` is what `evolve` makes of them, its states are the
 * phases of that, its actions are the effects. Driven with the pure `transition()` only, never as a running actor.
 */
export const recoveryMachine = setup({
  types: { context: {} as Context, events: {} as RecoveryEvent },
  actions: {
    fold: assign({ recovery: ({ context, event }) => evolve(context.recovery, event) }),
    sendRestoreCall: named,
    sendTendBereft: named,
    setDeadline: named,
    clearDeadlines: named,
  },
}).createMachine({
  id: 'recovery',
  context: { recovery: unplanned },
  initial: 'unplanned',
  states: {
    unplanned: { on: { RecoveryPlanned: { target: 'planned', actions: 'fold' } } },
    planned: {
      on: {
        AttemptStarted: { target: 'restoring', actions: 'fold' },
        AttemptAwaited: { target: 'awaiting', actions: 'fold' },
        RecoveryHeld: { target: 'awaiting', actions: 'fold' },
        RecoveryCompleted: { target: 'completed', actions: 'fold' },
      },
    },
    awaiting: {
      entry: [{ type: 'setDeadline', params }],
      on: {
        AttemptStarted: { target: 'restoring', actions: 'fold' },
        AttemptAwaited: { target: 'awaiting', reenter: true, actions: 'fold' },
        RecoveryHeld: { target: 'awaiting', reenter: true, actions: 'fold' },
        HoldReleased: { actions: 'fold' },
        RecoveryCompleted: { target: 'completed', actions: 'fold' },
      },
    },
    restoring: {
      entry: [
        { type: 'sendRestoreCall', params },
        { type: 'setDeadline', params },
      ],
      on: {
        LegOriginated: { actions: 'fold' },
        LegAnswered: { actions: 'fold' },
        LegRefused: { actions: 'fold' },
        LegsJoined: { actions: 'fold' },
        JoinFailed: { actions: 'fold' },
        AttemptTimedOut: { actions: 'fold' },
        LegResumed: { actions: 'fold' },
        BridgeResumed: { actions: 'fold' },
        TargetDied: { actions: 'fold' },
        AnswerCameLate: { actions: 'fold' },
        AttemptAwaited: { actions: ['fold', { type: 'setDeadline', params }] },
        AttemptStarted: { target: 'restoring', reenter: true, actions: 'fold' },
        RecoveryCompleted: { target: 'completed', actions: 'fold' },
      },
    },
    completed: {
      entry: [{ type: 'clearDeadlines', params }],
      on: {
        AnswerCameLate: { actions: 'fold' },
        LegResumed: { actions: 'fold' },
        BridgeResumed: { actions: 'fold' },
        LegsBereft: {
          actions: ['fold', { type: 'sendTendBereft', params }, { type: 'setDeadline', params }],
        },
        BereftHoldOver: { actions: ['fold', { type: 'sendTendBereft', params }] },
        BereftTended: { actions: 'fold' },
      },
    },
  },
});

export type RecoverySnapshot = SnapshotFrom<typeof recoveryMachine>;

const initial = initialTransition(recoveryMachine)[0];

/** A recovery of which nothing has happened yet. */
export function newRecovery(): RecoverySnapshot {
  return initial;
}

/** The machine after some events, and the effects that they ask for, in order. */
export function advance(
  snapshot: RecoverySnapshot,
  events: readonly RecoveryEvent[],
): { readonly snapshot: RecoverySnapshot; readonly effects: readonly RecoveryEffect[] } {
  let current = snapshot;
  const effects: RecoveryEffect[] = [];
  for (const event of events) {
    const [next, actions] = transition(recoveryMachine, current, event);
    current = next;
    for (const action of actions) {
      const effect = effectOf(action);
      if (effect !== null) effects.push(effect);
    }
  }
  return { snapshot: current, effects };
}

function effectOf(action: { readonly type: string; readonly params: unknown }): RecoveryEffect | null {
  const state = (action.params as Partial<Params> | undefined)?.state;
  if (state === undefined || state.phase === 'unplanned') return null;
  const { recoveryId } = state.plan;
  if (action.type === 'clearDeadlines') return { type: 'clearDeadlines', recoveryId };
  if (action.type === 'setDeadline') return deadlineOf(state, recoveryId);
  if (action.type === 'sendTendBereft') {
    const command = state.phase === 'completed' ? tendBereftOf(state) : null;
    return command === null ? null : { type: 'sendTendBereft', command };
  }
  if (action.type !== 'sendRestoreCall' || state.phase !== 'restoring') return null;
  return { type: 'sendRestoreCall', command: restoreCallOf(state) };
}

function deadlineOf(state: RecoveryState, recoveryId: string): RecoveryEffect | null {
  if (state.phase === 'completed') {
    const { attempt = 1, until: dueAt = null } = state.bereft ?? {};
    return dueAt === null ? null : { type: 'setDeadline', kind: 'bereft', recoveryId, attempt, dueAt };
  }
  if (state.phase !== 'awaiting' && state.phase !== 'restoring') return null;
  const { waiting } = state;
  if (waiting !== null) {
    const { attempt, dueAt } = waiting;
    return { type: 'setDeadline', kind: 'retry', recoveryId, attempt, dueAt };
  }
  if (state.phase !== 'restoring') return null;
  const { attempt, deadlineAt } = state.attempt;
  return { type: 'setDeadline', kind: 'attempt', recoveryId, attempt, dueAt: deadlineAt };
}
