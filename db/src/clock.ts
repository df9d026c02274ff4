import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@reinvite/runtime';
import type pg from 'pg';
import { withPostgresErrors } from './errors.js';

const EVERY_MS = 60_000;
/** Two services that are so far from Postgres each may be twice as far from each other. */
const SKEWED_MS = 1_000;

export interface ClockOptions {
  readonly pool: Pick<pg.Pool, 'query'>;
  /** Told each time that this machine's clock is found to be more than a second ahead (ms), or behind (below 0). */
  readonly onSkewed: (aheadMs: number) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Compares this machine's wall clock with that of Postgres, at once and every minute, until the signal aborts. Never rejects. */
export async function watchClock({ pool, onSkewed, log, signal }: ClockOptions): Promise<void> {
  while (!signal.aborted) {
    try {
      const aheadMs = await clockAheadMs(pool);
      if (Math.abs(aheadMs) > SKEWED_MS) {
        log.warn({ aheadMs, code: 'CLOCK_SKEWED' }, 'this clock and that of Postgres are apart');
        onSkewed(aheadMs);
      }
    } catch (err) {
      log.debug({ err }, 'the clock of Postgres is not known');
    }
    await delay(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/**
 * By how much, ms, this machine's wall clock is ahead of that of Postgres for certain: what the way there and back may account for
 * is left out.
 * @throws CodedError `POSTGRES_UNREACHABLE`
 */
export async function clockAheadMs(pool: Pick<pg.Pool, 'query'>): Promise<number> {
  const asked = performance.now();
  const { rows } = await withPostgresErrors(() =>
    pool.query<{ ms: number }>('select extract(epoch from clock_timestamp())::float8 * 1000 as ms'),
  );
  const halfWayMs = (performance.now() - asked) / 2;
  const aheadMs = Date.now() - halfWayMs - (rows[0]?.ms ?? NaN);
  return Math.round(Math.sign(aheadMs) * Math.max(0, Math.abs(aheadMs) - halfWayMs));
}
