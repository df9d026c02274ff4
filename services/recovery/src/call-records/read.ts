import {
  bridges,
  database,
  legs,
  nodeIncarnations,
  withPostgresErrors,
  type Database,
  type Pool,
} from '@reinvite/db';
import type { BridgeObserved, LegObserved } from '@reinvite/domain';
import { and, eq, isNull } from 'drizzle-orm';

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

/** The live legs with that SIP Call-ID, on whichever node. @throws CodedError `POSTGRES_UNREACHABLE`. */
export async function findLiveLegs(pool: Pool, sipCallId: string): Promise<LegObserved[]> {
  const rows = await withPostgresErrors(() =>
    database(pool)
      .select()
      .from(legs)
      .where(and(eq(legs.sipCallId, sipCallId), isNull(legs.goneAt))),
  );
  return rows.map(legObserved);
}

/**
 * Notes that a dead incarnation has been acted on: its legs and bridges are gone. To be called in the transaction that appends
 * the plans for all of its calls.
 * @param at epoch ms.
 */
export async function closeIncarnation(
  tx: Database,
  nodeId: string,
  incarnation: string,
  at: number,
): Promise<void> {
  const closedAt = new Date(at);
  await tx
    .insert(nodeIncarnations)
    .values({ nodeId, incarnation, firstSeenAt: closedAt, closedAt })
    .onConflictDoUpdate({
      target: [nodeIncarnations.nodeId, nodeIncarnations.incarnation],
      set: { closedAt },
    });
  await tx
    .update(legs)
    .set({ goneAt: closedAt })
    .where(and(eq(legs.nodeId, nodeId), eq(legs.incarnation, incarnation), isNull(legs.goneAt)));
  await tx
    .update(bridges)
    .set({ goneAt: closedAt })
    .where(and(eq(bridges.nodeId, nodeId), eq(bridges.incarnation, incarnation), isNull(bridges.goneAt)));
}

function legObserved(row: typeof legs.$inferSelect): LegObserved {
  const { nodeId, incarnation, channelId, channelName, endpoint, sipCallId, state, caller } = row;
  const { accountCode, language, dialplan, stasisApp, dialedBy } = row;
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
  };
}
