import { database, recoveries, recoveryLegs, withPostgresErrors, type Pool } from '@reinvite/db';
import { recoveryStream } from '@reinvite/domain';
import { and, eq, sql } from 'drizzle-orm';

/** What of a dead incarnation has a recovery already, whatever became of it. */
export interface Planned {
  /** In one of its own recoveries, or in one that goes on with them elsewhere. */
  readonly legIds: ReadonlySet<string>;
  /** A leg that comes late belongs to none of them any more: it would get a recovery that has begun without it. */
  readonly callIds: ReadonlySet<string>;
}

export const NOTHING_PLANNED: Planned = { legIds: new Set(), callIds: new Set() };

/**
 * Records that came late can show other calls than before, under other ids; a leg that had been planned must not be given to a
 * second recovery with them.
 * @throws CodedError `POSTGRES_UNREACHABLE`
 */
export async function whatIsPlanned(pool: Pool, nodeId: string, incarnation: string): Promise<Planned> {
  const db = database(pool);
  const [planned, handedOn] = await withPostgresErrors(() =>
    Promise.all([
      db
        .selectDistinct({ callId: recoveries.callId, legId: recoveryLegs.legId })
        .from(recoveries)
        .leftJoin(recoveryLegs, eq(recoveryLegs.recoveryId, recoveries.recoveryId))
        .where(and(eq(recoveries.nodeId, nodeId), eq(recoveries.incarnation, incarnation))),
      db.execute<{ leg_id: string }>(handedOnLegs(nodeId, incarnation)),
    ]),
  );
  const own = planned.flatMap(({ legId }) => (legId === null ? [] : [legId]));
  return {
    legIds: new Set([...own, ...handedOn.rows.map((row) => row.leg_id)]),
    callIds: new Set(planned.map(({ callId }) => callId)),
  };
}

/**
 * Channels of ours on that incarnation which had not come back when their recovery was told of its death: it goes on with them
 * elsewhere, and their records may come after that.
 */
const handedOnLegs = (nodeId: string, incarnation: string) => sql`
  select legs.channel_id as leg_id
  from legs
  join recovery_legs as ours on ours.channel_id = legs.channel_id
  join events on events.stream_id = ${recoveryStream('')} || ours.recovery_id and events.type = 'TargetDied'
  where legs.node_id = ${nodeId} and legs.incarnation = ${incarnation} and legs.gone_at is null
    and (events.data ->> 'attempt')::int = ours.attempt and ours.outcome is distinct from 'recovered'
    and not events.data -> 'takenOver' @> to_jsonb(ours.leg_id)`;
