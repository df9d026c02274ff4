import { toJsonb, type Database } from '@reinvite/db';
import { sql } from 'drizzle-orm';
import type { Rows } from './read-rows.js';

export interface Deadline {
  /** What it asks for: see {@link DEADLINE_KINDS}. */
  readonly kind: DeadlineKind;
  readonly recoveryId: string;
  readonly attempt: number;
  /** Epoch ms. */
  readonly dueAt: number;
}

export interface ReadSideChanges {
  readonly rows: readonly Rows[];
  readonly set: readonly Deadline[];
  /** Recoveries whose deadlines are no longer needed. */
  readonly cleared: readonly string[];
}

/** An attempt that is over (`TimeOutAttempt`), one whose time has come (`StartAttempt`), one who was held for long enough (`EndBereftHold`). */
export const DEADLINE_KINDS = ['attempt', 'retry', 'bereft'] as const;
export type DeadlineKind = (typeof DEADLINE_KINDS)[number];

/**
 * Writes what the events of any number of recoveries change, in one statement. What earlier events said is kept; the first
 * re-INVITE stays the earliest, an answer the latest.
 */
export async function writeReadSide(tx: Database, changes: ReadSideChanges): Promise<void> {
  const cleared = new Set(changes.cleared);
  const document = toJsonb({
    recoveries: changes.rows.map((row) => row.recovery),
    legs: changes.rows.flatMap((row) => row.legs),
    // What comes after the outcome is set with it.
    deadlines: changes.set
      .filter(({ kind, recoveryId }) => kind === 'bereft' || !cleared.has(recoveryId))
      .map(deadlineRow),
    cleared: [...cleared],
    recordings: changes.rows.flatMap((row) => row.recordings ?? []),
  });
  await tx.execute(sql`
    with input as (
      select ${document}::jsonb as doc
    ), written_recoveries as (
      insert into recoveries (recovery_id, call_id, node_id, incarnation, trigger, request_key, call_kind, target, target_incarnation,
        attempts, outcome, reason, detected_at, planned_at, first_originated_at, answered_at, joined_at, completed_at)
      select r.recovery_id, r.call_id, r.node_id, r.incarnation, r.trigger, r.request_key, r.call_kind, r.target, r.target_incarnation,
        r.attempts, r.outcome, r.reason, ${ms('r.detected_at')}, ${ms('r.planned_at')}, ${ms('r.first_originated_at')},
        ${ms('r.answered_at')}, ${ms('r.joined_at')}, ${ms('r.completed_at')}
      from input, jsonb_to_recordset(doc -> 'recoveries') as r (recovery_id text, call_id text, node_id text, incarnation text,
        trigger text, request_key text, call_kind text, target text, target_incarnation text, attempts integer, outcome text,
        reason text, detected_at float8, planned_at float8, first_originated_at float8, answered_at float8, joined_at float8,
        completed_at float8)
      on conflict (recovery_id) do update set
        target = coalesce(excluded.target, recoveries.target),
        target_incarnation = coalesce(excluded.target_incarnation, recoveries.target_incarnation),
        attempts = greatest(excluded.attempts, recoveries.attempts),
        outcome = coalesce(excluded.outcome, recoveries.outcome),
        reason = coalesce(excluded.reason, recoveries.reason),
        first_originated_at = least(excluded.first_originated_at, recoveries.first_originated_at),
        answered_at = greatest(excluded.answered_at, recoveries.answered_at),
        joined_at = coalesce(excluded.joined_at, recoveries.joined_at),
        completed_at = coalesce(excluded.completed_at, recoveries.completed_at)
    ), written_legs as (
      insert into recovery_legs (recovery_id, leg_id, attempt, call_id, channel_id, target, endpoint, sip_call_id, cseq, origin,
        outcome, reason, planned_at, originated_at, answered_at, ended_at)
      select l.recovery_id, l.leg_id, l.attempt, l.call_id, l.channel_id, l.target, l.endpoint, l.sip_call_id, l.cseq, l.origin,
        l.outcome, l.reason, ${ms('l.planned_at')}, ${ms('l.originated_at')}, ${ms('l.answered_at')}, ${ms('l.ended_at')}
      from input, jsonb_to_recordset(doc -> 'legs') as l (recovery_id text, leg_id text, attempt integer, call_id text,
        channel_id text, target text, endpoint text, sip_call_id text, cseq integer, origin jsonb, outcome text, reason text,
        planned_at float8, originated_at float8, answered_at float8, ended_at float8)
      on conflict (recovery_id, leg_id, attempt) do update set
        outcome = coalesce(excluded.outcome, recovery_legs.outcome),
        reason = case when excluded.outcome is null then recovery_legs.reason else excluded.reason end,
        originated_at = coalesce(excluded.originated_at, recovery_legs.originated_at),
        answered_at = coalesce(excluded.answered_at, recovery_legs.answered_at),
        ended_at = coalesce(excluded.ended_at, recovery_legs.ended_at)
    ), written_recordings as (
      insert into recordings (node_id, incarnation, target_id, name, recording, part, format, kind, started_at, ended_at, cut,
        recovery_id, call_id)
      select n.node_id, n.incarnation, n.target_id, n.name, n.recording, n.part, n.format, n.kind, ${ms('n.started_at')}, ${ms('n.ended_at')},
        n.cut, n.recovery_id, n.call_id
      from input, jsonb_to_recordset(doc -> 'recordings') as n (node_id text, incarnation text, target_id text, name text,
        recording text, part integer, format text, kind text, started_at float8, ended_at float8, cut boolean, recovery_id text, call_id text)
      on conflict (node_id, incarnation, target_id, name) do update set
        recording = excluded.recording, part = excluded.part, call_id = excluded.call_id,
        recovery_id = coalesce(recordings.recovery_id, excluded.recovery_id), cut = recordings.cut or excluded.cut,
        ended_at = case when excluded.cut then excluded.ended_at else recordings.ended_at end
    ), set_deadlines as (
      insert into deadlines (id, recovery_id, kind, payload, due_at)
      select d.id, d.recovery_id, d.kind, d.payload, ${ms('d.due_at')}
      from input, jsonb_to_recordset(doc -> 'deadlines') as d (id text, recovery_id text, kind text, payload jsonb, due_at float8)
      on conflict (id) do nothing
    )
    update deadlines set done_at = clock_timestamp()
    from input
    where done_at is null and recovery_id in (select jsonb_array_elements_text(doc -> 'cleared'))`);
}

const ms = (column: string) => sql.raw(`to_timestamp(${column} / 1000)`);

/** An attempt has one end, and may be waited for several times. */
export function deadlineRow({ kind, recoveryId, attempt, dueAt }: Deadline) {
  return {
    id: kind === 'attempt' ? `${recoveryId}-${attempt}` : `${recoveryId}-${attempt}-${kind}-${dueAt}`,
    recovery_id: recoveryId,
    kind,
    payload: { attempt },
    due_at: dueAt,
  };
}
