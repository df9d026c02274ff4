import type { AttemptStarted, RecoveryEvent } from './events.js';
import type { JoinProgress, LegProgress, RecoveryState } from './state.js';

/** The state after an event. An event that does not fit the phase changes nothing. */
export function evolve(state: RecoveryState, event: RecoveryEvent): RecoveryState {
  switch (event.type) {
    case 'RecoveryPlanned':
      return state.phase === 'unplanned' ? { phase: 'planned', plan: event } : state;
    case 'DialogSourcesDisagreed':
      return state;
    case 'AttemptStarted':
      return attemptStarted(state, event);
    case 'LegOriginated':
      return withLeg(state, event, { originated: true });
    case 'LegAnswered':
    case 'AnswerCameLate':
      return withLeg(state, event, { answered: true });
    case 'LegRefused':
      return withLeg(state, event, { refused: { sent: event.sent, reason: event.reason } });
    case 'LegsJoined':
      return withJoin(state, event.attempt, { joined: true });
    case 'JoinFailed':
      return withJoin(state, event.attempt, { joined: false, reason: event.reason });
    case 'AttemptTimedOut':
      return state.phase === 'restoring' && state.attempt.attempt === event.attempt
        ? { ...state, timedOut: true }
        : state;
    case 'RecoveryCompleted': {
      if (state.phase !== 'planned' && state.phase !== 'restoring') return state;
      const { outcome, reason } = event;
      return {
        phase: 'completed',
        plan: state.plan,
        outcome,
        reason,
        legs: state.phase === 'restoring' ? state.legs : [],
      };
    }
  }
}

function attemptStarted(state: RecoveryState, event: AttemptStarted): RecoveryState {
  if (state.phase !== 'planned' && state.phase !== 'restoring') return state;
  const { attempt, target, targetIncarnation, notAfter, deadlineAt } = event;
  const before = state.phase === 'restoring' ? state : { legs: [], tried: [] };
  const fresh = new Map<string, LegProgress>(
    event.legs.map(({ legId, channelId }) => [
      legId,
      { legId, channelId, attempt, target, originated: false, answered: false, refused: null },
    ]),
  );
  return {
    phase: 'restoring',
    plan: state.plan,
    attempt: { attempt, target, targetIncarnation, notAfter, deadlineAt },
    tried: [...before.tried, target],
    legs: [...before.legs.filter((leg) => !fresh.has(leg.legId)), ...fresh.values()],
    join: null,
    timedOut: false,
  };
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
