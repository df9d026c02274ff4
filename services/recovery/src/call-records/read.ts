import { bridges, database, legs, withPostgresErrors, type Database, type Pool } from '@reinvite/db';
import { bridgeActivity, legActivity, type BridgeObserved, type LegObserved } from '@reinvite/domain';
import { and, eq, isNull, sql } from 'drizzle-orm';
import type { z } from 'zod';

/** The legs and bridges that were alive on one incarnation when it was last heard of. */
export interface LiveCalls {
  readonly legs: readonly LegObserved[];
  readonly bridges: readonly BridgeObserved[];
}

/** Reads them in two queries side by side, whatever their number. @throws CodedError `POSTGRES_UNREACHABLE`. */
export async function readLiveCalls(pool: Pool, nodeId: string, incarnation: string): Promise<LiveCalls> {
  const db = database(pool);
  const [legRows, bridgeRows] = await withPostgresErrors(() =>
    Promise.all([
      db
        .select()
        .from(legs)
        .where(and(eq(legs.nodeId, nodeId), eq(legs.incarnation, incarnation), isNull(legs.goneAt))),
      db
        .select()
        .from(bridges)
        .where(and(eq(bridges.nodeId, nodeId), eq(bridges.incarnation, incarnation), isNull(bridges.goneAt))),
    ]),
  );
  return { legs: legRows.map(legObserved), bridges: bridgeRows.map(bridgeObserved) };
}

/**
 * Notes that a dead incarnation has been acted on: its legs and bridges are gone, and stay so whatever is told of them later. To
 * be called in the transaction that appends the last of its plans. Closing it again changes nothing.
 * @param at epoch ms.
 */
export async function closeIncarnation(
  tx: Database,
  nodeId: string,
  incarnation: string,
  at: number,
): Promise<void> {
  const closedAt = sql`${new Date(at).toISOString()}::timestamptz`;
  const ofLife = sql`node_id = ${nodeId} and incarnation = ${incarnation} and gone_at is null`;
  // One statement: on the way to the first re-INVITE every round trip counts.
  await tx.execute(sql`
    with closed as (
      insert into node_incarnations (node_id, incarnation, first_seen_at, closed_at)
      values (${nodeId}, ${incarnation}, ${closedAt}, ${closedAt})
      on conflict (node_id, incarnation) do update set closed_at = coalesce(node_incarnations.closed_at, excluded.closed_at)
    ), legs_gone as (
      update legs set gone_at = ${closedAt} where ${ofLife}
    ), recordings_cut as (
      update recordings set ended_at = ${closedAt}, cut = true
      where node_id = ${nodeId} and incarnation = ${incarnation} and ended_at is null
    )
    update bridges set gone_at = ${closedAt} where ${ofLife}`);
}

function legObserved(row: typeof legs.$inferSelect): LegObserved {
  const { nodeId, incarnation, channelId, channelName, endpoint, sipCallId, state, caller } = row;
  const { accountCode, language, dialplan, stasisApp, dialedBy, linkedId } = row;
  return {
    type: 'LegObserved',
    nodeId,
    incarnation,
    at: row.observedAt.getTime(),
    channelId,
    channelName,
    endpoint,
    sipCallId,
    state,
    createdAt: row.createdAt.getTime(),
    caller,
    accountCode,
    language,
    dialplan,
    stasisApp,
    dialedBy,
    ...(linkedId === null ? {} : { linkedId }),
    ...activityOf(legActivity, row.activity),
  };
}

function bridgeObserved(row: typeof bridges.$inferSelect): BridgeObserved {
  const { nodeId, incarnation, bridgeId, bridgeType, bridgeClass, creator, name, channelIds } = row;
  const at = row.observedAt.getTime();
  return {
    type: 'BridgeObserved',
    nodeId,
    incarnation,
    at,
    bridgeId,
    bridgeType,
    bridgeClass,
    creator,
    name,
    channelIds,
    ...activityOf(bridgeActivity, row.activity),
  };
}

/** One that another version has written and this one cannot read is none: the leg comes back all the same. */
function activityOf<T>(schema: z.ZodType<T>, stored: unknown): { activity?: T } {
  if (stored === null) return {};
  const { data } = schema.safeParse(stored);
  return data === undefined ? {} : { activity: data };
}
