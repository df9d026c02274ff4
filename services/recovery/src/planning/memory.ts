import {
  bridges,
  database,
  events,
  recoveries,
  recoveryLegs,
  withPostgresErrors,
  type Pool,
} from '@reinvite/db';
import { legPlace, recoveryOfChannel, recoveryStream, restoreCall, type RestoredLeg } from '@reinvite/domain';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { SURELY_TOLD } from './unheard.js';

/** A recovery's stream begins with its plan. */
const RECOVERY_STREAM = recoveryStream('');
const PLANNED_VERSION = 1;

/**
 * What is remembered of those channels that are replacements of ours, by channel id: one query, and none where there are no
 * such channels.
 * @throws CodedError `POSTGRES_UNREACHABLE`
 */
export async function rememberedLegs(
  pool: Pool,
  channelIds: readonly string[],
): Promise<ReadonlyMap<string, RestoredLeg>> {
  const ours = channelIds.filter((channelId) => recoveryOfChannel(channelId) !== null);
  if (ours.length === 0) return new Map();
  const { channelId, callId, origin, recoveryId, legId, attempt, cseq } = recoveryLegs;
  const { nodeId, target, targetIncarnation, joinedAt, outcome } = recoveries;
  const join = sql<unknown>`${events.data} -> 'join'`;
  // That the legs were joined counts once the call records tell of it: from then on these say who is in the bridge.
  const isTold = sql<boolean>`${joinedAt} is not null and exists (
    select 1 from ${bridges} where ${bridges.nodeId} = ${target} and ${bridges.incarnation} = ${targetIncarnation}
      and ${bridges.bridgeId} = ${join} ->> 'bridgeId'
      and (${bridges.goneAt} is not null or ${channelId} = any(${bridges.channelIds})
        or ${bridges.observedAt} > ${joinedAt} + ${SURELY_TOLD}::interval))`;
  const goesOn = sql<boolean>`${outcome} is null or exists (
    select 1 from ${recoveryLegs} as later where later.recovery_id = ${recoveryId} and later.leg_id = ${legId}
      and later.attempt > ${attempt})`;
  const rows = await withPostgresErrors(() =>
    database(pool)
      .select({ channelId, callId, origin, attempt, cseq, nodeId, join, isTold, goesOn })
      .from(recoveryLegs)
      .innerJoin(recoveries, eq(recoveries.recoveryId, recoveryId))
      .leftJoin(
        events,
        and(
          eq(events.streamId, sql`${RECOVERY_STREAM} || ${recoveries.recoveryId}`),
          eq(events.version, PLANNED_VERSION),
        ),
      )
      .where(inArray(channelId, ours)),
  );
  return new Map(
    rows.flatMap((row) => {
      const place = legPlace.safeParse(row.origin);
      if (row.channelId === null || !place.success) return [];
      const { data: wanted } = restoreCall.shape.join.safeParse(row.join);
      const pending = wanted?.kind === 'ari-bridge' && !row.isTold ? { pendingJoin: wanted } : {};
      const { nodeId, attempt, cseq, goesOn } = row;
      const taken = cseq === null ? {} : { takenFrom: { nodeId, attempt, cseq, goesOn } };
      return [[row.channelId, { callId: row.callId, place: place.data, ...pending, ...taken }]];
    }),
  );
}
