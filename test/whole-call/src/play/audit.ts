import type pg from 'pg';

/** Legs that Reinvite has on record as being in a call, and whose dialog it knows: their SIP Call-IDs. */
export async function onRecord(db: pg.Pool): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ callId: string }>(
    `select distinct l.sip_call_id as "callId" from legs l
     join dialogs d on d.call_id = l.sip_call_id and d.node_id = l.node_id and d.state = 'confirmed'
     where l.gone_at is null and l.state = 'Up'`,
  );
  return new Set(rows.map(({ callId }) => callId));
}

/** How many recoveries have no outcome yet. */
export async function underWay(db: pg.Pool): Promise<number> {
  const { rows } = await db.query<{ open: number }>(
    `select count(*)::int as open from audit_recoveries where outcome = 'under way'`,
  );
  return rows[0]?.open ?? 0;
}

/** What the audit says of one leg at one death of its node. */
export interface AuditEntry {
  readonly sipCallId: string;
  readonly nodeId: string;
  readonly outcome: string;
  readonly reason: string | null;
}

/** By death of a node since a moment (epoch ms), in order. */
export async function auditSince(db: pg.Pool, node: string, since: number): Promise<AuditEntry[]> {
  const { rows } = await db.query<AuditEntry>(
    `select leg ->> 'sipCallId' as "sipCallId", r.node_id as "nodeId", r.outcome,
            coalesce(leg ->> 'reason', r.reason) as reason
     from audit_recoveries as r cross join lateral jsonb_array_elements(r.legs) as leg
     where r.node_id = $1 and r.detected_at >= to_timestamp($2::float8 / 1000)
     order by r.detected_at, r.recovery_id`,
    [node, since],
  );
  return rows;
}

/** What could not be brought back of what legs and bridges were doing, since a moment (epoch ms), by SIP Call-ID of a leg. */
export async function notRestoredSince(
  db: pg.Pool,
  since: number,
): Promise<{ readonly sipCallIds: readonly string[]; readonly what: string; readonly reason: string }[]> {
  const { rows } = await db.query<{ sipCallIds: string[]; what: string; reason: string }>(
    `select array(select leg ->> 'sipCallId' from jsonb_array_elements(a.legs) as leg) as "sipCallIds",
            lost ->> 'what' as what, lost ->> 'reason' as reason
     from audit_resumes as r join audit_recoveries as a using (recovery_id)
     cross join lateral jsonb_array_elements(r.not_restored) as lost
     where r.resumed_at >= to_timestamp($1::float8 / 1000)
     order by r.resumed_at`,
    [since],
  );
  return rows;
}

/** One part of a recording, as the manifest names it. */
export interface RecordedPart {
  readonly part: number;
  readonly name: string;
  readonly nodeId: string;
}

/** The parts of a recording, in order. */
export async function manifestOf(db: pg.Pool, recording: string): Promise<RecordedPart[]> {
  const { rows } = await db.query<RecordedPart>(
    `select part, name, node_id as "nodeId" from recording_parts where recording = $1 order by part`,
    [recording],
  );
  return rows;
}
