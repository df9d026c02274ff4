import { eventually } from '@reinvite/test-support';
import type pg from 'pg';

/** A slow machine brings many calls back at once. */
const OUTCOME_TIMEOUT_MS = 60_000;

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

/** What Reinvite has on record: legs that are up, pairs in their bridges, confirmed dialogs of such legs, recoveries under way. */
export interface OnRecord {
  readonly legs: number;
  readonly pairs: number;
  readonly dialogs: number;
  readonly open: number;
}

export async function onRecord(db: pg.Pool): Promise<OnRecord> {
  const { rows } = await db.query<OnRecord>(
    `select (select count(*)::int from legs where gone_at is null and state = 'Up') as legs,
            (select count(*)::int from bridges where gone_at is null and cardinality(channel_ids) = 2
               and bridge_class in ('basic', 'stasis')) as pairs,
            (select count(*)::int from dialogs d join legs l on l.sip_call_id = d.call_id and l.gone_at is null
             where d.state = 'confirmed' and d.node_id = l.node_id) as dialogs,
            (select count(*)::int from audit_recoveries where outcome = 'under way') as open`,
  );
  if (rows[0] === undefined) throw new Error('counting gave no row');
  return rows[0];
}

/** Resolves when no recovery is under way. */
export async function untilNoneUnderWay(db: pg.Pool): Promise<void> {
  let open = 0;
  await eventually(
    () => `${open} recoveries to have their outcome`,
    async () => {
      ({ open } = await onRecord(db));
      return open === 0;
    },
    OUTCOME_TIMEOUT_MS,
  );
}

/** Resolves when Reinvite has everything on record that it would need now, and no recovery is under way. */
export async function untilOnRecord(
  db: pg.Pool,
  talking: () => Promise<{ legs: number; pairs: number }>,
): Promise<void> {
  let seen = '';
  await eventually(
    () => `the calls to be on record, which has ${seen}`,
    async () => {
      const { legs, pairs } = await talking();
      const now = await onRecord(db);
      seen = `${JSON.stringify(now)} of ${legs} legs and ${pairs} pairs`;
      return now.legs === legs && now.pairs === pairs && now.dialogs === legs && now.open === 0;
    },
  );
}
