import { isSamePlace, type Place } from '../conference/home.js';
import { livedAt } from '../conference/planned-conference.js';
import type { Candidate } from '../placement/candidate.js';
import { candidatesWithin, chooseTarget } from '../placement/choose-target.js';
import { againOf, endOf, type Again } from './again.js';
import { identityOf, type AttemptAwaited, type AttemptStarted, type RecoveryEvent } from './events.js';
import { channelIdOf } from './ids.js';
import type { Reason } from './reasons.js';
import type { LegProgress, Plan, RestoringState } from './state.js';

/** For how long after the attempt's own time its end is waited for: the way of the last fact to us. */
const GRACE_MS = 1_000;
/** A channel id has one digit for the attempt. */
const LAST_ATTEMPT = 9;
/** How soon it is looked for a fit node again; the pauses grow with the time that has been waited. */
const LOOK_AGAIN_MS = { first: 500, last: 4_000 } as const;

type Left = { readonly leg: LegProgress; readonly again: Again };

/** True where the leg's latest attempt has come to an end. */
export function isSettled(leg: LegProgress, state: RestoringState): boolean {
  return leg.answered || endOf(leg, state) !== null;
}

/**
 * The next attempt, or the wait for it, once the present one has ended and legs are left that may be tried again; null where
 * there is none to make. Where a leg of the call has come back the rest joins it there; else the call goes as a whole.
 * @param waited true where what was to be waited for is over.
 */
export function nextStep(
  state: RestoringState,
  candidates: readonly Candidate[],
  at: number,
  waited = false,
): AttemptStarted | AttemptAwaited | null {
  const { plan, legs, attempt } = state;
  const isOver = state.takenOver.length > 0 || attempt.attempt >= LAST_ATTEMPT;
  if (isOver || !legs.every((leg) => isSettled(leg, state))) return null;
  const isPartlyBack = legs.some((leg) => leg.answered);
  const left = legs.flatMap((leg): Left[] => {
    const again = againOf(leg, state);
    return again === null || (isPartlyBack && !again.joinsOthers) ? [] : [{ leg, again }];
  });
  if (left.length === 0) return null;
  const next = attempt.attempt + 1;
  const target = targetFor(state, left, candidatesWithin(candidates, plan.limits.targetGroups));
  if (target === null) {
    const phonesMs = waited ? 0 : Math.max(...left.map(({ again }) => again.delayMs));
    return canWait(state, left) ? awaitNode(plan, next, state.waiting?.until, at, phonesMs) : null;
  }
  const delayMs = waited ? 0 : delayOf(left, tried(state, target));
  if (delayMs > 0) return awaitPhone(state, left, at + delayMs, at);
  const plain = new Set(
    left.filter(({ leg, again }) => leg.plainOffer || again.plainOffer).map(({ leg }) => leg.legId),
  );
  const legIds = new Set([...left.map(({ leg }) => leg.legId), ...neededAgain(state, target)]);
  const attempted = attemptAt(plan, next, target, legIds, at, plain);
  return attempted.legs.length === 0 ? null : attempted;
}

function targetFor(
  { plan, legs, attempt, tried: nodes, targetDead }: RestoringState,
  left: readonly Left[],
  candidates: readonly Candidate[],
): Place | null {
  const same = targetDead
    ? undefined
    : candidates.find((c) => c.nodeId === attempt.target && c.incarnation === attempt.targetIncarnation);
  if (legs.some((leg) => leg.answered)) return same ?? null;
  if (same !== undefined && left.every(({ again }) => again.where === 'any')) return same;
  const untried = targetAmong(plan, candidates, new Set(nodes));
  if (untried !== null || !left.every(({ again }) => again.mayReturn)) return untried;
  return targetAmong(plan, candidates, new Set());
}

/**
 * The node for a call of which nothing is back: where its conference lives, else as for every call.
 * @param excluded nodes that have been tried.
 */
export function targetAmong(
  { conference }: Plan,
  candidates: readonly Candidate[],
  excluded: ReadonlySet<string>,
): Candidate | null {
  const open = candidates.filter(({ nodeId }) => !excluded.has(nodeId));
  const home = conference === undefined ? null : livedAt(conference, open);
  return home ?? chooseTarget(open);
}

function tried(state: RestoringState, target: Place): boolean {
  return state.tried.includes(target.nodeId);
}

function delayOf(left: readonly Left[], isTried: boolean): number {
  return Math.max(...left.map(({ again }) => (again.where === 'elsewhere' && !isTried ? 0 : again.delayMs)));
}

/** Where a leg has come back, the call is on that node, and no other can take the rest: it may be out of hearing, and not dead. */
function canWait({ legs, targetDead }: RestoringState, left: readonly Left[]): boolean {
  const mayTurnUp = !targetDead || !legs.some((leg) => leg.answered);
  return mayTurnUp && left.some(({ again }) => again.waitsForNode);
}

/**
 * Waits for a node that can take the call; null where it has been waited for long enough.
 * @param until when that is, where the wait has begun
 * @param atLeastMs for how long the phone is to be left alone anyway, where the wait begins
 */
export function awaitNode(
  plan: Plan,
  attempt: number,
  until: number | null | undefined,
  at: number,
  atLeastMs = 0,
): AttemptAwaited | null {
  const waitMs = plan.limits.targetWaitMs ?? 0;
  const end = until ?? at + waitMs;
  if (at >= end) return null;
  const waitedMs = waitMs - (end - at);
  const pauseMs = Math.min(Math.max(waitedMs / 2, LOOK_AGAIN_MS.first), LOOK_AGAIN_MS.last);
  const first = until === null || until === undefined ? atLeastMs : 0;
  const dueAt = Math.min(Math.round(at + Math.max(pauseMs, first)), end);
  const reason = 'no-target';
  return { type: 'AttemptAwaited', ...identityOf(plan), attempt, reason, dueAt, until: end, at };
}

function awaitPhone(
  state: RestoringState,
  left: readonly Left[],
  dueAt: number,
  at: number,
): AttemptAwaited | null {
  const slowest = left.reduce((one, other) => (other.again.delayMs > one.again.delayMs ? other : one));
  const reason = endOf(slowest.leg, state) ?? '';
  const attempt = state.attempt.attempt + 1;
  return { type: 'AttemptAwaited', ...identityOf(state.plan), attempt, reason, dueAt, until: null, at };
}

/** An attempt at some legs of a plan, beginning at `at`. */
export function attemptAt(
  plan: Plan,
  attempt: number,
  target: Place,
  legIds: ReadonlySet<string>,
  at: number,
  plainOffers: ReadonlySet<string> = new Set(),
): AttemptStarted {
  const rejoined = rejoinedAt(plan, target);
  const leftOut = new Set(rejoined.map(({ legId }) => legId));
  const legs = plan.legs.flatMap(({ legId }, number) => {
    if (!legIds.has(legId) || leftOut.has(legId)) return [];
    const channelId = channelIdOf(plan.recoveryId, number, attempt);
    return [{ legId, channelId, ...(plainOffers.has(legId) ? { plainOffer: true } : {}) }];
  });
  const notAfter = at + plan.limits.attemptTimeoutMs;
  const deadlineAt = notAfter + plan.limits.attemptTimeoutMs + GRACE_MS;
  return {
    type: 'AttemptStarted',
    ...identityOf(plan),
    attempt,
    target: target.nodeId,
    targetIncarnation: target.incarnation,
    legs,
    ...(rejoined.length === 0 ? {} : { rejoined }),
    notAfter,
    deadlineAt,
    at,
  };
}

/** Legs that the target before had made needless: from another node they lead to it. */
function neededAgain({ attempt }: RestoringState, target: Place): string[] {
  const before = { nodeId: attempt.target, incarnation: attempt.targetIncarnation };
  return isSamePlace(before, target) ? [] : (attempt.rejoined ?? []).map(({ legId }) => legId);
}

/** Legs that the target makes needless: in the conference that is joined again there, they would lead from it to itself. */
function rejoinedAt({ conference }: Plan, target: Place): NonNullable<AttemptStarted['rejoined']> {
  return (conference?.trunks ?? []).flatMap(({ legId, peer }) =>
    isSamePlace(peer, target) ? [{ legId, channelId: peer.channelId }] : [],
  );
}

/** The outcome of a recovery whose first attempt has nothing to bring back: what the call was is on the target already. */
export function needless(attempt: AttemptStarted): RecoveryEvent[] {
  if (attempt.legs.length > 0) return [];
  const reason: Reason = 'conference-rejoined';
  return [{ type: 'RecoveryCompleted', ...identityOf(attempt), outcome: 'skipped', reason, at: attempt.at }];
}
