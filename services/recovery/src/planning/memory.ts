import {
  bridges,
  database,
  events,
  recoveries,
  recoveryLegs,
  withPostgresErrors,
  type Pool,
} from '@reinvite/db';
import {
  bridgeResume,
  legPlace,
  legResume,
  recoveryOfChannel,
  recoveryStream,
  restoreCall,
  type RestoredLeg,
} from '@reinvite/domain';
import { and, eq, inArray, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { SURELY_TOLD } from './unheard.js';

/** A recovery's stream begins with its plan. */
const RECOVERY_STREAM = recoveryStream('');
const PLANNED_VERSION = 1;
/** A worker that has not said by then what came back of what was going on will not say it any more. */
const SURELY_RESUMED = '30 seconds';

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
  const { channelId, callId, origin, recoveryId, legId, attempt, cseq, answeredAt } = recoveryLegs;
  const { nodeId, target, targetIncarnation, joinedAt, outcome } = recoveries;
  const join = sql<unknown>`${events.data} -> 'join'`;
  // That the legs were joined counts once the call records tell of it: from then on these say who is in the bridge. One that has
  // gone before was the bridge of an attempt before.
  const isTold = sql<boolean>`${joinedAt} is not null and exists (
    select 1 from ${bridges} where ${bridges.nodeId} = ${target} and ${bridges.incarnation} = ${targetIncarnation}
      and ${bridges.bridgeId} = ${join} ->> 'bridgeId'
      and (${bridges.goneAt} >= ${joinedAt} or ${channelId} = any(${bridges.channelIds})
        or ${bridges.observedAt} > ${joinedAt} + ${SURELY_TOLD}::interval))`;
  const goesOn = sql<boolean>`${outcome} is null or exists (
    select 1 from ${recoveryLegs} as later where later.recovery_id = ${recoveryId} and later.leg_id = ${legId}
      and later.attempt > ${attempt})`;
  const stream = sql`${RECOVERY_STREAM} || ${recoveries.recoveryId}`;
  const isOld = sql`${answeredAt} < now() - ${SURELY_RESUMED}::interval`;
  const resume = sql<unknown>`jsonb_path_query_first(${events.data}, '$.legs[*] ? (@.legId == $id).resume',
    jsonb_build_object('id', ${legId}))`;
  const isResumed = sql<boolean>`coalesce(${isOld}, false) or exists (select 1 from events as told
    where told.stream_id = ${stream} and told.type = 'LegResumed' and told.data ->> 'channelId' = ${channelId})`;
  // Legs that came later to the same target find there what the bridge had been given.
  const ofBridge = sql<unknown>`${events.data} -> 'bridgeResume'`;
  const isBridgeResumed = sql<boolean>`coalesce(${isOld}, false) or exists (select 1 from events as told
    where told.stream_id = ${stream} and told.type = 'BridgeResumed' and told.data ->> 'target' = ${recoveryLegs.target}
      and (told.data ->> 'attempt')::int <= ${attempt})`;
  const going = { resume, isResumed, ofBridge, isBridgeResumed };
  const rows = await withPostgresErrors(() =>
    database(pool)
      .select({ channelId, callId, origin, attempt, cseq, nodeId, join, isTold, goesOn, ...going })
      .from(recoveryLegs)
      .innerJoin(recoveries, eq(recoveries.recoveryId, recoveryId))
      .leftJoin(events, and(eq(events.streamId, stream), eq(events.version, PLANNED_VERSION)))
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
      const going = {
        ...resumedOf('resumed', legResume, row.resume, row.isResumed),
        ...resumedOf('bridgeResumed', bridgeResume, row.ofBridge, row.isBridgeResumed),
      };
      return [[row.channelId, { callId: row.callId, place: place.data, ...pending, ...taken, ...going }]];
    }),
  );
}

function resumedOf<K extends string, T>(
  key: K,
  schema: z.ZodType<T>,
  stored: unknown,
  told: boolean,
): { [key in K]?: { resume: T; told: boolean } } {
  const { data } = schema.safeParse(stored);
  return data === undefined
    ? {}
    : ({ [key]: { resume: data, told } } as { [key in K]: { resume: T; told: boolean } });
}
