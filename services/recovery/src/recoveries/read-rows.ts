import {
  cseqOfAttempt,
  recoveryOfChannel,
  type PlannedLeg,
  type RecoveryEvent,
  type RecoveryPlanned,
  type RecoveryState,
} from '@reinvite/domain';
import { partsBegun, partsCut, type RecordingRow } from './recording-rows.js';

type Plan = Omit<RecoveryPlanned, 'type'>;
type Outcome = 'recovered' | 'partly-recovered' | 'failed' | 'skipped';

/** A row of `recoveries`, by the names of its columns. Times are epoch ms; null where the events say nothing. */
export interface RecoveryRow {
  readonly recovery_id: string;
  readonly call_id: string;
  readonly node_id: string;
  readonly incarnation: string;
  readonly trigger: string;
  readonly request_key: string | null;
  readonly call_kind: string;
  readonly detected_at: number;
  readonly planned_at: number;
  target: string | null;
  target_incarnation: string | null;
  attempts: number;
  outcome: Outcome | null;
  reason: string | null;
  first_originated_at: number | null;
  answered_at: number | null;
  joined_at: number | null;
  completed_at: number | null;
}

/** A row of `recovery_legs`. */
export interface LegRow {
  readonly recovery_id: string;
  readonly leg_id: string;
  readonly attempt: number;
  readonly call_id: string;
  readonly channel_id: string | null;
  readonly target: string | null;
  readonly endpoint: string;
  readonly sip_call_id: string;
  readonly cseq: number | null;
  readonly origin: PlannedLeg['place'] | null;
  readonly planned_at: number;
  outcome: 'recovered' | 'failed' | 'skipped' | null;
  reason: string | null;
  originated_at: number | null;
  answered_at: number | null;
  ended_at: number | null;
}

export interface Rows {
  readonly recovery: RecoveryRow;
  readonly legs: readonly LegRow[];
  readonly recordings?: readonly RecordingRow[];
}

/**
 * What new events of one recovery change in the read side. Rows hold what these events say; the statement that writes them
 * keeps what earlier events had said.
 * @param after the recovery as it is with them.
 */
export function rowsOf(plan: Plan, events: readonly RecoveryEvent[], after: RecoveryState): Rows {
  const recovery = emptyRecovery(plan);
  const legs = new Map<string, LegRow>();
  for (const event of events) applyEvent(plan, recovery, legs, event);
  if (after.phase === 'completed' && recovery.completed_at !== null) {
    // A leg of which nobody said how it ended was lost with its node, or has run into its deadline.
    const reason = recovery.reason === 'target-lost' ? 'target-lost' : 'attempt-timed-out';
    for (const leg of after.legs.filter((one) => !one.answered && one.refused === null)) {
      const ended = { ended_at: recovery.completed_at, outcome: 'failed', reason };
      Object.assign(legRow(plan, legs, leg), ended);
    }
  }
  return { recovery, legs: [...legs.values()], recordings: recordingsOf(plan, events, after) };
}

function latestLife(after: RecoveryState): string | undefined {
  if (after.phase === 'restoring') return after.attempt.targetIncarnation;
  return after.phase === 'completed' ? after.targetIncarnation : undefined;
}

/** A part belongs to the life of the target that the attempt was made at: the latest one. */
function recordingsOf(plan: Plan, events: readonly RecoveryEvent[], after: RecoveryState): RecordingRow[] {
  return events.flatMap((event) => {
    if (event.type === 'RecoveryPlanned') return partsCut(plan);
    if (event.type !== 'LegResumed' && event.type !== 'BridgeResumed') return [];
    const targetIncarnation = latestLife(after);
    return targetIncarnation === undefined ? [] : partsBegun(plan, event, targetIncarnation);
  });
}

function applyEvent(
  plan: Plan,
  recovery: RecoveryRow,
  legs: Map<string, LegRow>,
  event: RecoveryEvent,
): void {
  switch (event.type) {
    case 'RecoveryPlanned':
      for (const skipped of event.skipped) legs.set(`${skipped.legId} 0`, skippedLeg(plan, skipped));
      return;
    case 'AttemptStarted':
      recovery.target = event.target;
      recovery.target_incarnation = event.targetIncarnation;
      recovery.attempts = event.attempt;
      for (const leg of event.legs) legRow(plan, legs, { ...event, ...leg });
      for (const { legId } of event.rejoined ?? []) rejoinedLeg(plan, legs, legId, event.at);
      return;
    case 'LegOriginated':
      legRow(plan, legs, event).originated_at = event.at;
      recovery.first_originated_at = Math.min(recovery.first_originated_at ?? event.at, event.at);
      return;
    case 'LegAnswered':
      Object.assign(legRow(plan, legs, event), { answered_at: event.at, outcome: 'recovered', reason: null });
      recovery.answered_at = Math.max(recovery.answered_at ?? event.at, event.at);
      return;
    case 'AnswerCameLate':
      legRow(plan, legs, event).answered_at = event.at;
      return;
    case 'LegRefused':
      Object.assign(legRow(plan, legs, event), {
        ended_at: event.at,
        outcome: 'failed',
        reason: event.reason,
      });
      return;
    case 'LegsJoined':
      recovery.joined_at = event.at;
      return;
    case 'AttemptAwaited':
      // Nobody has the legs yet, and no second recovery may take them for unplanned.
      if (event.attempt === 1) for (const leg of plan.legs) waitingLeg(plan, legs, leg);
      return;
    case 'RecoveryHeld':
      for (const leg of plan.legs) waitingLeg(plan, legs, leg);
      return;
    case 'TargetDied':
      for (const leg of event.retaken ?? []) {
        const attempt = recoveryOfChannel(leg.channelId)?.attempt ?? event.attempt;
        const lost = { ended_at: event.at, outcome: 'failed', reason: 'target-lost' };
        Object.assign(legRow(plan, legs, { ...leg, attempt, target: event.target }), lost);
      }
      return;
    case 'HoldReleased':
    case 'JoinFailed':
    case 'LegsBereft':
    case 'BereftHoldOver':
    case 'BereftTended':
    case 'LegResumed':
    case 'BridgeResumed':
    case 'AttemptTimedOut':
    case 'DialogSourcesDisagreed':
      return;
    case 'RecoveryCompleted':
      recovery.outcome = event.outcome;
      recovery.reason = event.reason;
      recovery.completed_at = event.at;
      if (event.outcome === 'skipped') skipUnplaced(plan, legs, event);
  }
}

/** Legs that waited in vain for a node that could take them. */
function skipUnplaced(
  plan: Plan,
  legs: Map<string, LegRow>,
  { reason, at }: { readonly reason: string | null; readonly at: number },
): void {
  for (const leg of plan.legs)
    Object.assign(waitingLeg(plan, legs, leg), { outcome: 'skipped', reason, ended_at: at });
}

function waitingLeg(plan: Plan, legs: Map<string, LegRow>, leg: Plan['legs'][number]): LegRow {
  const key = `${leg.legId} 0`;
  const row = legs.get(key) ?? emptyLeg(plan, leg.legId, 0, leg);
  legs.set(key, row);
  return row;
}

function emptyRecovery(plan: Plan): RecoveryRow {
  const { recoveryId, callId, nodeId, incarnation, trigger, kind, at } = plan;
  return {
    recovery_id: recoveryId,
    call_id: callId,
    node_id: nodeId,
    incarnation,
    trigger: trigger.kind,
    request_key: trigger.kind === 'request' ? trigger.idempotencyKey : null,
    call_kind: kind,
    detected_at: trigger.at,
    planned_at: at,
    target: null,
    target_incarnation: null,
    attempts: 0,
    outcome: null,
    reason: null,
    first_originated_at: null,
    answered_at: null,
    joined_at: null,
    completed_at: null,
  };
}

interface OfLeg {
  readonly legId: string;
  readonly attempt: number;
  readonly target: string;
  readonly channelId: string;
}

function legRow(plan: Plan, legs: Map<string, LegRow>, { legId, attempt, target, channelId }: OfLeg): LegRow {
  const key = `${legId} ${attempt}`;
  const known = legs.get(key);
  if (known !== undefined) return known;
  const planned = plan.legs.find((leg) => leg.legId === legId);
  const cseq = planned?.dialog.PJSIP_RECOVERY_CSEQ;
  const row: LegRow = {
    ...emptyLeg(plan, legId, attempt, planned),
    channel_id: channelId,
    target,
    cseq: cseq === undefined ? null : Number(cseqOfAttempt(cseq, attempt)),
    origin: planned?.place ?? null,
  };
  legs.set(key, row);
  return row;
}

function skippedLeg(plan: Plan, leg: Plan['skipped'][number]): LegRow {
  return { ...emptyLeg(plan, leg.legId, 0, leg), outcome: 'skipped', reason: leg.reason, ended_at: plan.at };
}

/** Not brought back, whatever else might have been said of it: its conference is joined again where it led to. */
function rejoinedLeg(plan: Plan, legs: Map<string, LegRow>, legId: string, at: number): void {
  const known = [...plan.legs, ...plan.skipped].find((leg) => leg.legId === legId);
  const ended = { outcome: 'skipped', reason: 'conference-rejoined', ended_at: at } as const;
  legs.set(`${legId} 0`, { ...emptyLeg(plan, legId, 0, known), ...ended });
}

function emptyLeg(
  plan: Plan,
  legId: string,
  attempt: number,
  leg: { endpoint: string; sipCallId: string } | undefined,
): LegRow {
  return {
    recovery_id: plan.recoveryId,
    leg_id: legId,
    attempt,
    call_id: plan.callId,
    channel_id: null,
    target: null,
    endpoint: leg?.endpoint ?? '',
    sip_call_id: leg?.sipCallId ?? '',
    cseq: null,
    origin: null,
    planned_at: plan.at,
    outcome: null,
    reason: null,
    originated_at: null,
    answered_at: null,
    ended_at: null,
  };
}
