import type { RestoreFact } from '../restore.js';
import { decidePlan } from './decide-plan.js';
import type { RecordFact, RecoveryCommand } from './commands.js';
import { identityOf, type RecoveryEvent } from './events.js';
import { evolve } from './evolve.js';
import { outcomeOf } from './outcome.js';
import { workerReason } from './reasons.js';
import { nextAttempt } from './retry.js';
import type { LegProgress, Plan, RecoveryState } from './state.js';

/**
 * What happens in a recovery because of a command; nothing where the command is stale or repeated. Invariants:
 * 1. exactly one `RecoveryCompleted`;
 * 2. a leg is tried again only when it is certain that no re-INVITE of it has left;
 * 3. all legs of a call are on one target.
 */
export function decide(command: RecoveryCommand, state: RecoveryState): RecoveryEvent[] {
  switch (command.type) {
    case 'PlanRecovery':
      return state.phase === 'unplanned' ? decidePlan(command) : [];
    case 'RecordFact':
      return recordFact(command, state);
    case 'TimeOutAttempt': {
      if (state.phase !== 'restoring' || state.attempt.attempt !== command.attempt) return [];
      const { attempt, target } = state.attempt;
      const { at } = command;
      return completing(
        state,
        [{ type: 'AttemptTimedOut', ...identityOf(state.plan), attempt, target, at }],
        at,
      );
    }
  }
}

function recordFact(command: RecordFact, state: RecoveryState): RecoveryEvent[] {
  const noted = eventOf(command.fact, state);
  if (noted === null) return [];
  const next = evolve(state, noted);
  if (next.phase !== 'restoring') return [noted];
  const attempt = nextAttempt(next, command.candidates, command.at);
  return attempt === null ? completing(state, [noted], command.at) : [noted, attempt];
}

/** The events, and the outcome where they bring one. */
function completing(state: RecoveryState, events: RecoveryEvent[], at: number): RecoveryEvent[] {
  const next = events.reduce(evolve, state);
  const verdict = next.phase === 'restoring' ? outcomeOf(next) : null;
  if (next.phase !== 'restoring' || verdict === null) return events;
  return [...events, { type: 'RecoveryCompleted', ...identityOf(next.plan), ...verdict, at }];
}

/** The fact as an event, where it is news. */
function eventOf(fact: RestoreFact, state: RecoveryState): RecoveryEvent | null {
  if (state.phase === 'completed') return lateAnswer(fact, state);
  if (state.phase !== 'restoring') return null;
  const { attempt, at } = fact;
  const base = { ...identityOf(state.plan), attempt, target: state.attempt.target, at };
  switch (fact.type) {
    case 'LegsJoined': {
      const isNews = attempt === state.attempt.attempt && state.join?.joined !== true;
      return isNews ? { type: 'LegsJoined', ...base, bridgeId: fact.bridgeId } : null;
    }
    case 'JoinFailed': {
      const isNews = attempt === state.attempt.attempt && state.join === null;
      return isNews ? { type: 'JoinFailed', ...base, reason: workerReason(fact.reason) } : null;
    }
    case 'LegOriginated':
    case 'LegAnswered':
    case 'LegRefused':
      return legEvent(fact, state);
  }
}

type LegFact = Extract<RestoreFact, { readonly legId: string }>;
type Known = { readonly plan: Plan; readonly legs: readonly LegProgress[] };

function legEvent(fact: LegFact, known: Known): RecoveryEvent | null {
  const leg = legOf(fact, known);
  if (leg === undefined) return null;
  const base = ofLeg(leg, known, fact.at);
  switch (fact.type) {
    case 'LegOriginated':
      return leg.originated ? null : { type: 'LegOriginated', ...base };
    case 'LegAnswered':
      return leg.answered ? null : { type: 'LegAnswered', ...base };
    case 'LegRefused': {
      if (leg.answered || leg.refused !== null) return null;
      const { sent, cause } = fact;
      return { type: 'LegRefused', ...base, sent, cause, reason: workerReason(fact.reason) };
    }
  }
}

function lateAnswer(fact: RestoreFact, known: Known): RecoveryEvent | null {
  const leg = legOf(fact, known);
  if (fact.type !== 'LegAnswered' || leg === undefined || leg.answered) return null;
  return { type: 'AnswerCameLate', ...ofLeg(leg, known, fact.at) };
}

function legOf(fact: RestoreFact, { legs }: Known): LegProgress | undefined {
  return 'legId' in fact
    ? legs.find((leg) => leg.legId === fact.legId && leg.channelId === fact.channelId)
    : undefined;
}

/** Attempt and target are what we commanded: a worker's fact does not move a leg to another node. */
function ofLeg({ attempt, target, legId, channelId }: LegProgress, { plan }: Known, at: number) {
  return { ...identityOf(plan), attempt, target, legId, channelId, at };
}
