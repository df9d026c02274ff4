import { database, withPostgresErrors, type Pool } from '@reinvite/db';
import type { Control, RecoveryStatus } from '@reinvite/domain';
import { sql } from 'drizzle-orm';
import type { NodeBook } from '../nodes/node-book.js';
import { controlStatusOf } from './restraints.js';

const DEATHS_SHOWN = 10;
const HELD_SHOWN = 200;

interface DeathRow extends Record<string, unknown> {
  readonly node_id: string;
  readonly incarnation: string;
  readonly at: number;
  readonly evidence: string;
  readonly calls: number;
  readonly recovered: number;
  readonly partly_recovered: number;
  readonly failed: number;
  readonly skipped: number;
  readonly under_way: number;
}

interface HeldRow extends Record<string, unknown> {
  readonly call_id: string;
  readonly recovery_id: string;
  readonly node_id: string;
  readonly reason: string;
  readonly since: number;
  readonly until: number;
}

/** What an operator sees of recovery. @throws CodedError `POSTGRES_UNREACHABLE`. */
export async function recoveryStatusOf(
  pool: Pool,
  nodes: Pick<NodeBook, 'standings'>,
  control: Control,
): Promise<RecoveryStatus> {
  const db = database(pool);
  const [deaths, held] = await withPostgresErrors(() =>
    Promise.all([
      db.execute<DeathRow>(sql`
        select down.node_id, down.incarnation, down.at, down.evidence, calls.*
        from (
          select data ->> 'nodeId' as node_id, data ->> 'incarnation' as incarnation, (data ->> 'at')::float8 as at,
                 data ->> 'evidence' as evidence
          from events where type = 'NodeDown' order by recorded_at desc limit ${DEATHS_SHOWN}
        ) as down
        cross join lateral (
          select count(*)::int as calls,
                 count(*) filter (where outcome = 'recovered')::int as recovered,
                 count(*) filter (where outcome = 'partly-recovered')::int as partly_recovered,
                 count(*) filter (where outcome = 'failed')::int as failed,
                 count(*) filter (where outcome = 'skipped')::int as skipped,
                 count(*) filter (where outcome is null)::int as under_way
          from recoveries where recoveries.node_id = down.node_id and recoveries.incarnation = down.incarnation
        ) as calls
        order by down.at desc`),
      db.execute<HeldRow>(sql`
        select r.call_id, r.recovery_id, r.node_id, e.data ->> 'reason' as reason, (e.data ->> 'at')::float8 as since,
               (e.data ->> 'until')::float8 as until
        from recoveries as r
        join events as e on e.stream_id = 'recovery-' || r.recovery_id and e.type = 'RecoveryHeld'
        where r.outcome is null and r.attempts = 0
          and not exists (select from events as o where o.stream_id = e.stream_id and o.type = 'HoldReleased')
        order by r.planned_at limit ${HELD_SHOWN}`),
    ]),
  );
  return {
    control: controlStatusOf(control),
    nodes: nodes.standings(),
    deaths: deaths.rows.map(({ node_id, at, partly_recovered, under_way, ...row }) => ({
      ...row,
      nodeId: node_id,
      downAt: at,
      partlyRecovered: partly_recovered,
      underWay: under_way,
    })),
    held: held.rows.map(({ call_id, recovery_id, node_id, ...row }) => ({
      ...row,
      callId: call_id,
      recoveryId: recovery_id,
      nodeId: node_id,
    })),
  };
}
