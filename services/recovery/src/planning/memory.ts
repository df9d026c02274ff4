import { database, recoveryLegs, withPostgresErrors, type Pool } from '@reinvite/db';
import { legPlace, recoveryOfChannel, type RestoredLeg } from '@reinvite/domain';
import { inArray } from 'drizzle-orm';

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
  const { channelId, callId, origin } = recoveryLegs;
  const rows = await withPostgresErrors(() =>
    database(pool).select({ channelId, callId, origin }).from(recoveryLegs).where(inArray(channelId, ours)),
  );
  return new Map(
    rows.flatMap((row) => {
      const place = legPlace.safeParse(row.origin);
      return row.channelId === null || !place.success
        ? []
        : [[row.channelId, { callId: row.callId, place: place.data }]];
    }),
  );
}
