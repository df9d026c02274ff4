import { isSamePlace } from '../conference/home.js';
import type { AttemptAwaited, AttemptStarted, RecoveryEvent, RecoveryHeld } from './events.js';
import type { JoinProgress, LegProgress, Plan, RecoveryState, RestoringState } from './state.js';

/** What an attempt that ended without a refusal ended for: its node died. */
const TARGET_LOST = 'target-lost';

/** The state after an event. An event that does not fit the phase changes nothing. */
export function evolve(state: RecoveryState, event: RecoveryEvent): RecoveryState {
  switch (event.type) {
    case 'RecoveryPlanned':
      return state.phase === 'unplanned' ? { phase: 'planned', plan: event } : state;
    case 'DialogSourcesDisagreed':
      return state;
    case 'AttemptStarted':
      return attemptStarted(state, event);
    case 'AttemptAwaited':
      return attemptAwaited(state, event);
    case 'RecoveryHeld':
      return state.phase === 'planned' || state.phase === 'awaiting' ? held(state.plan, event) : state;
    case 'HoldReleased':
      return state.phase === 'awaiting' ? { ...state, held: false, released: true } : state;
    case 'TargetDied':
      return state.phase === 'restoring' && state.attempt.attempt === event.attempt
        ? { ...state, targetDead: true, takenOver: event.takenOver, legs: lostAgain(state.legs, event) }
        : state;
    case 'LegOriginated':
      return withLeg(state, event, { originated: true });
    case 'LegAnswered':
      return withLeg(state, event, { answered: true });
    case 'AnswerCameLate':
      return withLeg(state, event, state.phase === 'restoring' ? { answeredLate: true } : { answered: true });
    case 'LegRefused':
      return withLeg(state, event, {
        refused: { sent: event.sent, reason: event.reason, retryAfterMs: event.retryAfterMs ?? null },
      });
    case 'LegsJoined':
      return withJoin(state, event.attempt, { joined: true });
    case 'JoinFailed':
      return withJoin(state, event.attempt, { joined: false, reason: event.reason });
    case 'LegResumed':
      return withLeg(state, event, { resumed: true });
    case 'BridgeResumed':
      return state.phase === 'restoring' || state.phase === 'completed'
        ? { ...state, bridgeResumed: true }
        : state;
    case 'LegsBereft':
      return state.phase === 'completed' ? { ...state, bereft: event } : state;
    case 'BereftHoldOver':
      return state.phase === 'completed' ? { ...state, bereftOver: event.at } : state;
    case 'BereftTended':
      return state.phase === 'completed' && event.treatment === 'hold'
        ? { ...state, bereftHeld: event.result === 'done' }
        : state;
    case 'AttemptTimedOut':
      return state.phase === 'restoring' && state.attempt.attempt === event.attempt
        ? { ...state, timedOut: true }
        : state;
    case 'RecoveryCompleted': {
      if (state.phase === 'unplanned' || state.phase === 'completed') return state;
      const { outcome, reason } = event;
      return {
        phase: 'completed',
        plan: state.plan,
        outcome,
        reason,
        legs: state.phase === 'restoring' ? state.legs : [],
        ...(state.phase === 'restoring' ? { targetIncarnation: state.attempt.targetIncarnation } : {}),
      };
    }
  }
}

function attemptStarted(state: RecoveryState, event: AttemptStarted): RecoveryState {
  if (state.phase === 'unplanned' || state.phase === 'completed') return state;
  const { attempt, target, targetIncarnation, notAfter, deadlineAt, rejoined } = event;
  const needless = new Set(rejoined?.map(({ legId }) => legId));
  const before: Pick<RestoringState, 'legs' | 'tried'> =
    state.phase === 'restoring' ? state : { legs: [], tried: [] };
  const fresh = new Map<string, LegProgress>(
    event.legs.map(({ legId, channelId, plainOffer }) => [
      legId,
      {
        legId,
        channelId,
        attempt,
        target,
        originated: false,
        answered: false,
        answeredLate: false,
        refused: null,
        plainOffer: plainOffer ?? false,
        history: historyOf(before.legs.find((leg) => leg.legId === legId)),
      },
    ]),
  );
  return {
    phase: 'restoring',
    plan: state.plan,
    attempt: {
      attempt,
      target,
      targetIncarnation,
      notAfter,
      deadlineAt,
      ...(rejoined === undefined ? {} : { rejoined }),
    },
    tried: [...before.tried, target],
    legs: [
      ...before.legs.filter(({ legId }) => !fresh.has(legId) && !needless.has(legId)),
      ...fresh.values(),
    ],
    join: null,
    ...bridgeBefore(state, event),
    timedOut: false,
    waiting: null,
    targetDead: false,
    takenOver: [],
  };
}

/** What holds of the bridge still in the next attempt; of another node, or another life of it, nothing does. */
function bridgeBefore(
  state: RecoveryState,
  { target, targetIncarnation }: AttemptStarted,
): Pick<RestoringState, 'bridgeResumed' | 'bridgeGoesOn'> {
  if (state.phase !== 'restoring') return {};
  const { attempt, legs, bridgeResumed, bridgeGoesOn } = state;
  const before = { nodeId: attempt.target, incarnation: attempt.targetIncarnation };
  if (!isSamePlace(before, { nodeId: target, incarnation: targetIncarnation })) return {};
  const goesOn = bridgeResumed === true || bridgeGoesOn === true || legs.some((leg) => leg.answered);
  return {
    ...(bridgeResumed === true ? { bridgeResumed } : {}),
    ...(goesOn ? { bridgeGoesOn: true } : {}),
  };
}

function lostAgain(
  legs: readonly LegProgress[],
  { retaken = [] }: Pick<Extract<RecoveryEvent, { type: 'TargetDied' }>, 'retaken'>,
): readonly LegProgress[] {
  const lost = new Set(retaken.map(({ channelId }) => channelId));
  return legs.map((leg) => (lost.has(leg.channelId) ? { ...leg, answered: false, answeredLate: true } : leg));
}

function historyOf(before: LegProgress | undefined): readonly string[] {
  return before === undefined ? [] : [...before.history, before.refused?.reason ?? TARGET_LOST];
}

function attemptAwaited(state: RecoveryState, event: AttemptAwaited): RecoveryState {
  const { attempt, reason, dueAt, until } = event;
  const waiting = { attempt, reason, dueAt, until };
  switch (state.phase) {
    case 'planned':
      return { phase: 'awaiting', plan: state.plan, waiting, held: false, released: false };
    case 'awaiting':
      return { ...state, waiting, held: false };
    case 'restoring':
      return { ...state, waiting };
    default:
      return state;
  }
}

function held(plan: Plan, { reason, until }: RecoveryHeld): RecoveryState {
  const waiting = { attempt: 1, reason, dueAt: until, until: null };
  return { phase: 'awaiting', plan, waiting, held: true, released: false };
}

function withLeg(
  state: RecoveryState,
  fact: { readonly legId: string; readonly channelId: string },
  change: Partial<LegProgress>,
): RecoveryState {
  if (state.phase !== 'restoring' && state.phase !== 'completed') return state;
  const legs = state.legs.map((leg) =>
    leg.legId === fact.legId && leg.channelId === fact.channelId ? { ...leg, ...change } : leg,
  );
  return { ...state, legs };
}

function withJoin(state: RecoveryState, attempt: number, join: JoinProgress): RecoveryState {
  return state.phase === 'restoring' && state.attempt.attempt === attempt ? { ...state, join } : state;
}
