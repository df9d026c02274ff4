import type { Database } from '@reinvite/db';
import { recoveryStream } from '@reinvite/domain';
import { sql } from 'drizzle-orm';

/**
 * Channels of ours on a dead incarnation which had not come back when their recovery was told of its death, or too late for
 * anybody to know: it goes on with them elsewhere, and their records may come after that.
 * @throws the errors of drizzle; see `withPostgresErrors`.
 */
export async function handedOnLegs(
  db: Database,
  nodeId: string,
  incarnation: string,
): Promise<readonly string[]> {
  const { rows } = await db.execute<{ channel_id: string }>(sql`
    with there as (
      select channel_id from legs
      where node_id = ${nodeId} and incarnation = ${incarnation} and gone_at is null
      union
      select back.channel_id from recoveries r join recovery_legs back on back.recovery_id = r.recovery_id
      where r.target = ${nodeId} and r.target_incarnation = ${incarnation} and back.target = r.target
    )
    select distinct ours.channel_id
    from there
    join recovery_legs as ours on ours.channel_id = there.channel_id
    join events as died on died.stream_id = ${recoveryStream('')} || ours.recovery_id and died.type = 'TargetDied'
    where died.data -> 'retaken' @> jsonb_build_array(jsonb_build_object('channelId', ours.channel_id))
      or (died.data ->> 'attempt')::int = ours.attempt and ours.outcome is distinct from 'recovered'
        and not died.data -> 'takenOver' @> to_jsonb(ours.leg_id)`);
  return rows.map((row) => row.channel_id);
}
