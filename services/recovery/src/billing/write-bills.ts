import { setTimeout as delay } from 'node:timers/promises';
import { inTransaction, type Pool } from '@reinvite/db';
import type { BillingConfig, Logger } from '@reinvite/runtime';
import { sql, type SQL } from 'drizzle-orm';
import { billDeaths, billMissing, closeBills } from './statements.js';

const POLL_MS = 2_000;
/** The plans are made, and what the dead Asterisk had sent to Postgres has arrived. */
const SETTLE_MS = 2_000;
/** Facts of a life that is over come later than that only where they are lost. */
const COMPLETE_MS = 120_000;
/** Looking for what is missing reads a day's call records. */
const MISSING_EVERY_MS = 60_000;

/** One replica at a time; the others would do the same once more. "bills" as a number. */
const LOCK_KEY = '422709061747';

export interface BillsOptions {
  readonly pool: Pool;
  readonly settings: BillingConfig;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Writes the billing records that an Asterisk could not write, until the signal aborts: of the channels that died with it, and
 * where it is configured of those that ended while it could not reach Postgres. It looks for what is to be written, so a
 * restart, another replica or Postgres being away put it off and lose nothing. Nothing of it is on the way to a re-INVITE.
 */
export async function writeBills({ pool, settings, log, signal }: BillsOptions): Promise<void> {
  if (settings.write === 'none') return;
  let nextMissing = 0;
  while (!signal.aborted) {
    try {
      const died = await once(pool, billDeaths(SETTLE_MS), closeBills(COMPLETE_MS));
      if (died > 0) log.info({ records: died }, 'billing records of calls that died with their node');
      if (settings.write === 'missing' && performance.now() >= nextMissing) {
        const missing = await once(pool, billMissing(settings.missingAfterMs));
        if (missing > 0) log.warn({ records: missing }, 'billing records that Asterisk had not written');
        nextMissing = performance.now() + Math.min(MISSING_EVERY_MS, settings.missingAfterMs);
      }
    } catch (err) {
      log.warn({ err }, 'billing records not written, trying again');
    }
    // Rejects only when the signal aborts, which ends the loop.
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns how many rows the first statement wrote; 0 where another replica is at it. */
async function once(pool: Pool, first: SQL, ...others: readonly SQL[]): Promise<number> {
  return inTransaction(pool, async (tx) => {
    const { rows } = await tx.execute<{ mine: boolean }>(
      sql`select pg_try_advisory_xact_lock(${LOCK_KEY}::bigint) as mine`,
    );
    if (rows[0]?.mine !== true) return 0;
    const { rowCount } = await tx.execute(first);
    for (const statement of others) await tx.execute(statement);
    return rowCount ?? 0;
  });
}
