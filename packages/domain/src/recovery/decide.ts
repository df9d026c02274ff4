import type { RestoreFact } from '../restore.js';
import { candidatesWithin } from '../placement/choose-target.js';
import type {
  HoldRecovery,
  RecordFact,
  RecoveryCommand,
  ReleaseHold,
  StartAttempt,
  TargetDied,
} from './commands.js';
import { completed } from './bereft.js';
import { decidePlan, disagreed } from './decide-plan.js';
import { identityOf, type RecoveryEvent } from './events.js';
import { evolve } from './evolve.js';
import { outcomeOf } from './outcome.js';
import { workerReason } from './reasons.js';
import { resumedEvent } from './resumed.js';
import { attemptAt, awaitNode, needless, nextStep, targetAmong } from './retry.js';
import type { LegProgress, Plan, RecoveryState, RestoringState, Waiting } from './state.js';

/**
 * What happens in a recovery because of a command; nothing where the command is stale or repeated. Invariants:
 * 1. exactly one `RecoveryCompleted`;
 * 2. a leg is tried again only when its attempt before has ended without taking the dialog on: it is certain that no re-INVITE
 *    has left; or it was answered with a final answer that leaves the dialog as it was (RFC 3261 section 14.1: not 2xx, 481,
 *    408) or was cancelled unanswered, after which that node sends nothing in the dialog but an ACK; or its node is dead, and
 *    the recovery of that node's own calls has not taken the leg over. Each attempt has a CSeq of its own, above all of those
 *    before, so the phone sees one dialog and takes the last;
 * 3. all legs of a call are on one target: where one has come back, the others are tried again there only.
 */
export function decide(command: RecoveryCommand, state: RecoveryState): RecoveryEvent[] {
  switch (command.type) {
    case 'PlanRecovery':
      return state.phase === 'unplanned' ? decidePlan(command) : [];
    case 'RecordFact':
      return recordFact(command, state);
    case 'StartAttempt':
      return startAttempt(command, state);
    case 'TargetDied':
      return targetDied(command, state);
    case 'ReleaseHold':
      return releaseHold(command, state);
    case 'HoldRecovery':
      return holdRecovery(command, state);
    case 'AbandonRecovery': {
      const { reason, at } = command;
      return state.phase === 'awaiting' ? [skippedFor(state.plan, reason, at)] : [];
    }
    case 'NoteDisagreements':
      return state.phase === 'unplanned' ? [] : disagreed(state.plan, command.disagreements, command.at);
    case 'EndBereftHold':
      return endBereftHold(command.at, state);
    case 'TimeOutAttempt': {
      if (state.phase !== 'restoring' || state.attempt.attempt !== command.attempt) return [];
      return state.waiting === null ? timeOut(state, command.at) : [];
    }
  }
}

function endBereftHold(at: number, state: RecoveryState): RecoveryEvent[] {
  if (state.phase !== 'completed' || state.bereft === undefined || state.bereftOver !== undefined) return [];
  const { attempt, target, until } = state.bereft;
  if (until === null || at < until) return [];
  return [{ type: 'BereftHoldOver', ...identityOf(state.plan), attempt, target, at }];
}

function timeOut(state: RestoringState, at: number): RecoveryEvent[] {
  const { attempt, target } = state.attempt;
  return completing(state, [{ type: 'AttemptTimedOut', ...identityOf(state.plan), attempt, target, at }], at);
}

function recordFact(command: RecordFact, state: RecoveryState): RecoveryEvent[] {
  const noted = eventOf(command.fact, state);
  return noted === null ? [] : goingOn(state, noted, command.candidates, command.at);
}

function targetDied(command: TargetDied, state: RecoveryState): RecoveryEvent[] {
  const { nodeId, incarnation, takenOver, ended, candidates, at } = command;
  if (state.phase !== 'restoring' || state.targetDead) return [];
  const { attempt, target, targetIncarnation } = state.attempt;
  if (target !== nodeId || targetIncarnation !== incarnation) return [];
  const legIds = state.legs.filter((leg) => takenOver.has(leg.channelId)).map((leg) => leg.legId);
  // A call goes on whole: with the recovery that has taken a leg of it over, or here.
  const isHere = legIds.length === 0;
  const retaken = state.legs.filter((leg) => isHere && leg.answered && !ended.has(leg.channelId));
  const died: RecoveryEvent = {
    type: 'TargetDied',
    ...identityOf(state.plan),
    attempt,
    target,
    takenOver: legIds,
    ...(retaken.length === 0
      ? {}
      : { retaken: retaken.map(({ legId, channelId }) => ({ legId, channelId })) }),
    at,
  };
  return goingOn(state, died, candidates, at);
}

/** What was noted, and what follows from it: the next attempt, the wait for it, or the outcome. */
function goingOn(
  state: RecoveryState,
  noted: RecoveryEvent,
  candidates: RecordFact['candidates'],
  at: number,
): RecoveryEvent[] {
  const next = evolve(state, noted);
  if (next.phase !== 'restoring' || next.waiting !== null) return [noted];
  const step = nextStep(next, candidates, at);
  return step === null ? completing(state, [noted], at) : [noted, step];
}

function startAttempt({ attempt, candidates, at }: StartAttempt, state: RecoveryState): RecoveryEvent[] {
  if (state.phase !== 'restoring' && state.phase !== 'awaiting') return [];
  const { plan, waiting } = state;
  if (waiting === null || waiting.attempt !== attempt || at < waiting.dueAt) return [];
  if (state.phase === 'restoring') {
    const step = nextStep(state, candidates, at, true);
    if (step !== null) return [step];
    const verdict = outcomeOf(state);
    // Its legs are back after all, and only the join is not confirmed: that attempt's own deadline may be over.
    if (verdict === null) return timeOut(state, at);
    return completed(state, verdict, at);
  }
  if (state.held) return [skippedFor(plan, waiting.reason, at)];
  return firstAttempt(plan, waiting, candidates, at);
}

function holdRecovery({ reason, until, at }: HoldRecovery, state: RecoveryState): RecoveryEvent[] {
  if (state.phase !== 'awaiting' || state.held || state.released) return [];
  const { plan } = state;
  if (plan.trigger.kind === 'request') return [];
  if (until <= at) return [skippedFor(plan, reason, at)];
  return [{ type: 'RecoveryHeld', ...identityOf(plan), reason, until, at }];
}

function releaseHold(
  { heldFor, requestedBy, reason, candidates, at }: ReleaseHold,
  state: RecoveryState,
): RecoveryEvent[] {
  if (state.phase !== 'awaiting' || !state.held) return [];
  const { plan, waiting } = state;
  if (heldFor !== undefined && !heldFor.some((one) => one === waiting.reason)) return [];
  const released: RecoveryEvent = { type: 'HoldReleased', ...identityOf(plan), requestedBy, reason, at };
  return [released, ...firstAttempt(plan, { ...waiting, until: null }, candidates, at)];
}

/** The first attempt at a call that waited, or the wait for a node that could take it, or its outcome. */
function firstAttempt(
  plan: Plan,
  { attempt, until }: Waiting,
  candidates: RecordFact['candidates'],
  at: number,
): RecoveryEvent[] {
  const target = targetAmong(plan, candidatesWithin(candidates, plan.limits.targetGroups), new Set());
  if (target === null) return [awaitNode(plan, attempt, until, at) ?? skippedFor(plan, 'no-target', at)];
  const first = attemptAt(plan, attempt, target, new Set(plan.legs.map((leg) => leg.legId)), at);
  return [first, ...needless(first)];
}

function skippedFor(plan: Plan, reason: string, at: number): RecoveryEvent {
  return { type: 'RecoveryCompleted', ...identityOf(plan), outcome: 'skipped', reason, at };
}

/** The events, and the outcome where they bring one. */
function completing(state: RecoveryState, events: RecoveryEvent[], at: number): RecoveryEvent[] {
  const next = events.reduce(evolve, state);
  const verdict = next.phase === 'restoring' ? outcomeOf(next) : null;
  if (next.phase !== 'restoring' || verdict === null) return events;
  return [...events, ...completed(next, verdict, at)];
}

/** The fact as an event, where it is news. */
function eventOf(fact: RestoreFact, state: RecoveryState): RecoveryEvent | null {
  if (fact.type === 'LegResumed' || fact.type === 'BridgeResumed') return resumedEvent(fact, state);
  if (fact.type === 'BereftTended') return tended(fact, state);
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

function tended(
  { channelId, treatment, result, at }: Extract<RestoreFact, { type: 'BereftTended' }>,
  state: RecoveryState,
): RecoveryEvent | null {
  if (state.phase !== 'completed' || state.bereft?.channelId !== channelId) return null;
  const { attempt, target } = state.bereft;
  return {
    type: 'BereftTended',
    ...identityOf(state.plan),
    attempt,
    target,
    channelId,
    treatment,
    result,
    at,
  };
}

type LegFact = Extract<RestoreFact, { type: 'LegOriginated' | 'LegAnswered' | 'LegRefused' }>;
type Known = { readonly plan: Plan; readonly legs: readonly LegProgress[] };

function legEvent(fact: LegFact, known: RestoringState): RecoveryEvent | null {
  const leg = legOf(fact, known);
  if (leg === undefined) return null;
  const base = ofLeg(leg, known, fact.at);
  switch (fact.type) {
    case 'LegOriginated':
      return leg.originated ? null : { type: 'LegOriginated', ...base };
    case 'LegAnswered':
      if (leg.answered || leg.answeredLate) return null;
      return { type: isGivenUp(leg, known) ? 'AnswerCameLate' : 'LegAnswered', ...base };
    case 'LegRefused': {
      if (leg.answered || leg.refused !== null) return null;
      const { sent, cause, status, retryAfterMs } = fact;
      const said = {
        ...(status === undefined ? {} : { status }),
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      };
      return { type: 'LegRefused', ...base, sent, cause, ...said, reason: workerReason(fact.reason) };
    }
  }
}

/** Its node is dead, and the leg goes on without it: an answer that was given there brings nobody back. */
function isGivenUp({ legId }: LegProgress, { targetDead, takenOver }: RestoringState): boolean {
  return targetDead && !takenOver.includes(legId);
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
