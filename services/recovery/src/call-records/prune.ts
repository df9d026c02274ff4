import { setTimeout as delay } from 'node:timers/promises';
import { database, withPostgresErrors, type Pool } from '@reinvite/db';
import type { Logger } from '@reinvite/runtime';
import { sql } from 'drizzle-orm';
import { pruneHomes } from '../conferences/index.js';
import { pruneFlows } from '../flow/index.js';
import { pruneDeadlines } from '../recoveries/prune-deadlines.js';

const EVERY_MS = 600_000;
/** How long call records of legs and bridges are kept that are gone. */
export const KEEP_GONE = '1 day';

/** Removes what has been gone for a day, every ten minutes, until the signal aborts: the audit lives on events, not on call records. */
export async function pruneEvery(pool: Pool, log: Logger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      // First: they are told by the call records.
      await pruneFlows(pool);
      await pruneCallRecords(pool);
      await pruneHomes(pool, KEEP_GONE);
      await pruneDeadlines(pool, KEEP_GONE);
    } catch (err) {
      log.warn({ err }, 'old call records not removed, trying again later');
    }
    // Rejects only when the signal aborts, which ends the loop.
    await delay(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Removes legs and bridges that went more than a day ago, all of incarnations that were closed before that, and recordings that
 * ended before that whole: one in parts stays, for its manifest is all that ties them.
 */
export async function pruneCallRecords(pool: Pool): Promise<void> {
  const db = database(pool);
  await withPostgresErrors(async () => {
    for (const table of ['legs', 'bridges']) {
      await db.execute(sql`
        delete from ${sql.identifier(table)} as t
        where t.gone_at < now() - ${KEEP_GONE}::interval
          or (t.node_id, t.incarnation) in (
            select node_id, incarnation from node_incarnations where closed_at < now() - ${KEEP_GONE}::interval)`);
    }
    await db.execute(
      sql`delete from recordings where ended_at < now() - ${KEEP_GONE}::interval and not cut and recovery_id is null`,
    );
    await db.execute(sql`delete from node_incarnations where closed_at < now() - ${KEEP_GONE}::interval`);
  });
}
