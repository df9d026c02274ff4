import type pg from 'pg';

/** One row of `audit_recoveries`, as far as the tests look at it. */
export interface RecoveryRow {
  readonly recoveryId: string;
  readonly callId: string;
  readonly nodeId: string;
  readonly trigger: string;
  readonly callKind: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly target: string | null;
  readonly legsTotal: number;
  readonly legsRecovered: number;
}

export async function recoveriesOf(db: pg.Pool, node: string): Promise<RecoveryRow[]> {
  const { rows } = await db.query<RecoveryRow>(
    `select recovery_id as "recoveryId", call_id as "callId", node_id as "nodeId", trigger, call_kind as "callKind", outcome,
            reason, target, legs_total::int as "legsTotal", legs_recovered::int as "legsRecovered"
     from audit_recoveries where node_id = $1 order by detected_at, call_id`,
    [node],
  );
  return rows;
}

/** Names of the events of a call, in order. */
export async function timelineOf(db: pg.Pool, callId: string): Promise<string[]> {
  const { rows } = await db.query<{ event: string }>(
    'select event from audit_timeline where call_id = $1 order by at, position',
    [callId],
  );
  return rows.map(({ event }) => event);
}

/** Deaths of a node: the evidence of each. */
export async function deathsOf(db: pg.Pool, node: string): Promise<{ evidence: string; fenced: boolean }[]> {
  const { rows } = await db.query<{ evidence: string; fenced: boolean }>(
    'select evidence, fenced_at is not null as fenced from audit_nodes where node_id = $1 order by down_at',
    [node],
  );
  return rows;
}

/**
 * Whether Reinvite has everything on record that it would need now: every leg up, every pair in its bridge, every dialog
 * confirmed, and no recovery under way.
 */
export async function isOnRecord(db: pg.Pool, legs: number, pairs: number): Promise<boolean> {
  const { rows } = await db.query<{ legs: number; pairs: number; dialogs: number; open: number }>(
    `select (select count(*)::int from legs where gone_at is null and state = 'Up') as legs,
            (select count(*)::int from bridges where gone_at is null and cardinality(channel_ids) = 2) as pairs,
            (select count(*)::int from dialogs d join legs l on l.sip_call_id = d.call_id and l.gone_at is null
             where d.state = 'confirmed' and d.node_id = l.node_id) as dialogs,
            (select count(*)::int from audit_recoveries where outcome = 'under way') as open`,
  );
  const [now] = rows;
  return now?.legs === legs && now.pairs === pairs && now.dialogs === legs && now.open === 0;
}
