import type { Call, CallLeg, LegPlace } from '../call/call.js';
import type { FlowOfLeg } from '../flow.js';
import { homeOf, isSamePlace, NOWHERE_ELSE, type ConferenceStanding } from '../conference/home.js';
import { conferenceKey } from '../conference/key.js';
import { plannedConferenceOf } from '../conference/planned-conference.js';
import type { Candidate } from '../placement/candidate.js';
import { candidatesWithin, chooseTarget, withLoad } from '../placement/choose-target.js';
import { crashesOf, quarantineOf, type PastRecovery } from './call-history.js';
import type { PlanRecovery } from './commands.js';
import { assessLeg, callIdsShared, type DialogViews, type Grounds, type Verdict } from './eligibility.js';
import { DEFAULT_RESUME } from '../resume.js';
import { resumeOfBridge, resumeOfLeg, type ResumeGrounds } from './resume-plan.js';
import type { Limits, PlannedLeg, SkippedLeg, Trigger } from './events.js';
import { recoveryIdOf } from './ids.js';
import type { RecoveryPolicy } from './policy.js';

export interface PlanInput {
  readonly calls: readonly Call[];
  readonly dialogs: DialogViews;
  /** What ARI applications have put, by SIP Call-ID. */
  readonly flows?: ReadonlyMap<string, FlowOfLeg>;
  readonly candidates: readonly Candidate[];
  readonly trigger: Trigger;
  /** What each attempt may take; where the calls may go says the policy. */
  readonly limits: Limits;
  /** Of the dead node's group. */
  readonly policy: RecoveryPolicy;
  /** Whether every ledger has said that it has written all that had arrived. */
  readonly ledgerHeard: boolean;
  /** When the node died, epoch ms; when its death was seen where it is absent. */
  readonly diedAt?: number;
  /** Earlier recoveries of these calls. */
  readonly past: readonly PastRecovery[];
  /** What of the calls' conferences is on other nodes, by key; of one that is not named nothing is. */
  readonly conferences?: ReadonlyMap<string, ConferenceStanding>;
  /** False where further legs of the node may be told of yet; true where it is absent. */
  readonly recordsComplete?: boolean;
  /** What holds recovery back as a whole; nothing where it is absent. */
  readonly restraint?: Restraint;
  /** Epoch ms. */
  readonly at: number;
}

/** What holds recovery back as a whole: an operator has stopped it, or has to be asked until then (epoch ms). */
export type Restraint = { readonly kind: 'stopped' } | { readonly kind: 'ask'; readonly until: number };

/** So long after a crash nobody waits on the line any more; an operator's request has no such limit. */
export const MAX_AGE_MS = 120_000;

/**
 * One `PlanRecovery` for each call of a dead incarnation: what of it can come back, and where. Every call is placed whole. None
 * for one that was only on its way there: it has the outcome of the recovery that goes on with it.
 */
export function planRecoveries(input: PlanInput): PlanRecovery[] {
  const goesOn = new Set(
    input.calls.flatMap(({ legs }) =>
      legs.flatMap((leg) => (leg.takenFrom?.goesOn === true ? [leg.legId] : [])),
    ),
  );
  const isOnItsWay = ({ legs, skipped }: PlanRecovery): boolean =>
    legs.length === 0 && skipped.every(({ legId }) => goesOn.has(legId));
  return plansOf(input).filter((command) => !isOnItsWay(command));
}

function plansOf(input: PlanInput): PlanRecovery[] {
  const { trigger, at } = input;
  const policy = restrained(input);
  const grounds: Grounds = { ...input, policy, shared: callIdsShared(input.calls) };
  const pastOf = byCall(input.past);
  let candidates: readonly Candidate[] = candidatesWithin(input.candidates, policy.targets);
  const spread = spreadConferences(input);
  const homes = new Map<string, Candidate>();
  return input.calls.map((call): PlanRecovery => {
    const past = pastOf.get(call.callId) ?? [];
    const bar = trigger.kind === 'request' ? null : barFor(call, past, input);
    const limits = limitsOf(call, past, input);
    const { legs, skipped } = divide(call, input, (leg) => {
      const verdict = assessLeg(call, leg, grounds);
      return verdict.eligible && bar !== null && bar.until <= at
        ? { eligible: false, reason: bar.reason }
        : verdict;
    });
    const recoveryId = recoveryIdOf(call.nodeId, call.incarnation, call.callId);
    if (bar !== null && bar.until > at)
      return {
        type: 'PlanRecovery',
        recoveryId,
        call,
        legs,
        skipped,
        target: null,
        trigger,
        limits,
        hold: bar,
        ...resumeOf(call, input),
        ...ofConference(call, spread, candidates, true),
        ...ofThoseLeft(call, policy),
        at,
      };
    const target = legs.length === 0 ? null : targetOf(call, candidates, spread, homes);
    if (target !== null) candidates = withLoad(candidates, target.nodeId, legs.length);
    return {
      type: 'PlanRecovery',
      recoveryId,
      call,
      legs,
      skipped,
      target,
      trigger,
      limits,
      ...resumeOf(call, input),
      ...ofConference(call, spread, candidates, target === null),
      ...ofThoseLeft(call, policy),
      at,
    };
  });
}

type Conferences = ReadonlyMap<string, ConferenceStanding>;

/**
 * Conferences that more than one recovery may bring somewhere: on other nodes too, of several of these calls, or of calls whose
 * records are still to come.
 */
function spreadConferences({
  calls,
  conferences = new Map<string, ConferenceStanding>(),
  recordsComplete = true,
}: PlanInput): Conferences {
  const spread = new Map(conferences);
  const seen = new Set<string>();
  for (const { conference } of calls) {
    if (conference === undefined) continue;
    const key = conferenceKey(conference);
    if ((!recordsComplete || seen.has(key)) && !spread.has(key)) spread.set(key, NOWHERE_ELSE);
    seen.add(key);
  }
  return spread;
}

/** All that goes to one conference goes to one node. */
function targetOf(
  { conference }: Call,
  candidates: readonly Candidate[],
  spread: Conferences,
  homes: Map<string, Candidate>,
): Candidate | null {
  const key = conference === undefined ? '' : conferenceKey(conference);
  const standing = spread.get(key);
  if (standing === undefined) return chooseTarget(candidates);
  const home = homes.get(key) ?? homeOf(standing, candidates);
  const known = home === null ? undefined : candidates.find((one) => isSamePlace(one, home));
  const target = known ?? chooseTarget(candidates);
  if (target !== null) homes.set(key, target);
  return target;
}

/** @param waits whether it does not begin at once: people may come to the conference elsewhere meanwhile. */
function ofConference(
  call: Call,
  spread: Conferences,
  fit: readonly Candidate[],
  waits: boolean,
): Pick<PlanRecovery, 'conference' | 'fit'> {
  // A queue is each node's own: only those who come back at once are to be together.
  if (call.conference === undefined || call.conference.kind === 'queue') return {};
  const standing = spread.get(conferenceKey(call.conference)) ?? (waits ? NOWHERE_ELSE : undefined);
  const conference = standing === undefined ? undefined : plannedConferenceOf(call, standing);
  return conference === undefined ? {} : { conference, fit };
}

/** What holds for one who is alone for a while, or for good: where there were others. */
function ofThoseLeft(
  { join }: Call,
  { bereft, comfort }: RecoveryPolicy,
): Pick<PlanRecovery, 'bereft' | 'comfort'> {
  if (join.kind === 'none') return {};
  return {
    ...(bereft === undefined ? {} : { bereft }),
    ...(comfort === undefined || join.kind !== 'ari-bridge' ? {} : { comfort }),
  };
}

/** Calls that nobody may touch are not ended at the edge either: the node may be alive after all. */
function restrained({ policy, restraint }: PlanInput): RecoveryPolicy {
  return restraint === undefined ? policy : { ...policy, early: 'leave' };
}

/** Why a call is not dialled, and until when an operator may let it go; not later than now: nobody may. */
type Bar = NonNullable<PlanRecovery['hold']>;

/** Whoever lets a call go that has lost too many nodes lets it go to one more. */
function limitsOf(
  { nodeId, incarnation }: Call,
  past: readonly PastRecovery[],
  { limits, policy, trigger }: PlanInput,
): Limits {
  const crashes = crashesOf(past, { nodeId, incarnation, at: trigger.at }, policy);
  const crashesLeft = Math.max(policy.crashLimit.nodes - crashes, 1);
  return { ...limits, targetGroups: [...policy.targets], crashesLeft };
}

/** Why nothing of a call is dialled, whatever its dialogs are. An operator who asks for it knows better. */
function barFor(
  { nodeId, incarnation }: Call,
  past: readonly PastRecovery[],
  { trigger, policy, restraint, at }: PlanInput,
): Bar | null {
  if (at - trigger.at > MAX_AGE_MS) return { reason: 'too-late', until: at };
  if (restraint?.kind === 'stopped') return { reason: 'recovery-stopped', until: at };
  const reason = quarantineOf(past, { nodeId, incarnation, at: trigger.at }, policy);
  if (reason !== null) return { reason, until: trigger.at + policy.quarantineMs };
  return restraint === undefined ? null : { reason: 'mass-failure', until: restraint.until };
}

function byCall(past: readonly PastRecovery[]): ReadonlyMap<string, readonly PastRecovery[]> {
  const found = new Map<string, PastRecovery[]>();
  for (const one of past) {
    const known = found.get(one.callId);
    if (known === undefined) found.set(one.callId, [one]);
    else known.push(one);
  }
  return found;
}

/** What was going on is gone on with by the application where that keeps its state with us. */
function groundsOf({ policy, trigger, diedAt }: PlanInput, hasFlow: boolean): ResumeGrounds {
  return { policy: policy.resume ?? DEFAULT_RESUME, hasFlow, diedAt: diedAt ?? trigger.at };
}

function resumeOf(call: Call, input: PlanInput): Pick<PlanRecovery, 'bridgeResume'> {
  const hasFlow = call.legs.some(({ record }) => input.flows?.has(record.sipCallId) === true);
  const bridgeResume = resumeOfBridge(call, groundsOf(input, hasFlow));
  return bridgeResume === undefined ? {} : { bridgeResume };
}

function divide(call: Call, input: PlanInput, assess: (leg: CallLeg) => Verdict) {
  const legs: PlannedLeg[] = [];
  const skipped: SkippedLeg[] = [];
  for (const leg of call.legs) {
    const verdict = assess(leg);
    if (verdict.eligible) legs.push(plannedLeg(call, leg, verdict.variables, input));
    else skipped.push(skippedLeg(leg, verdict));
  }
  for (const legId of call.strangers)
    skipped.push({ legId, sipCallId: '', endpoint: '', reason: 'leg-not-pjsip' });
  return { legs, skipped };
}

function skippedLeg({ legId, record }: CallLeg, verdict: Extract<Verdict, { eligible: false }>): SkippedLeg {
  const { reason, unsure, inviteCseq } = verdict;
  const { sipCallId, endpoint } = record;
  return {
    legId,
    sipCallId,
    endpoint,
    reason,
    ...(unsure === undefined ? {} : { unsure: [...unsure] }),
    ...(inviteCseq === undefined ? {} : { inviteCseq }),
  };
}

/** Whether what goes on there counts from the moment of the death. */
function hasTimes(place: LegPlace): place is Extract<LegPlace, { kind: 'dialplan' | 'dial-caller' }> {
  if (place.kind === 'dial-caller') return place.endsAt !== undefined;
  return place.kind === 'dialplan' && place.work !== undefined;
}

function plannedLeg(
  { join }: Call,
  leg: CallLeg,
  dialog: Readonly<Record<string, string>>,
  input: PlanInput,
): PlannedLeg {
  const { legId, record, place } = leg;
  const flow = input.flows?.get(record.sipCallId);
  const grounds = groundsOf(input, flow !== undefined);
  const resume = resumeOfLeg(leg, { ...grounds, join: join.kind, dialog });
  const { sipCallId, endpoint, caller, accountCode, language } = record;
  return {
    legId,
    sipCallId,
    endpoint,
    place: hasTimes(place) ? { ...place, diedAt: place.diedAt ?? grounds.diedAt } : place,
    dialog: { ...dialog },
    callerId: callerIdOf(caller),
    accountCode,
    language,
    ...(flow !== undefined && place.kind === 'stasis' ? { flow } : {}),
    ...(resume === undefined ? {} : { resume }),
  };
}

/** `"name" <number>`, as Asterisk parses it. */
function callerIdOf({ name, number }: { readonly name: string; readonly number: string }): string {
  const plain = (text: string): string => text.replace(/["<>\\]/g, '').trim();
  if (plain(name) === '' && plain(number) === '') return '';
  return `"${plain(name)}" <${plain(number)}>`;
}
