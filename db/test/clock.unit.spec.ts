import { createLogger } from '@reinvite/runtime';
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { clockAheadMs, watchClock } from '../src/clock.js';

const log = createLogger('test', 'silent');

/** A Postgres whose clock is ahead by so much, and whose answer takes its time. */
function postgres(aheadMs: number, takesMs = 0): Pick<pg.Pool, 'query'> {
  const query = async () => {
    await new Promise((resolve) => setTimeout(resolve, takesMs));
    return { rows: [{ ms: Date.now() + aheadMs }] };
  };
  return { query } as unknown as Pick<pg.Pool, 'query'>;
}

describe('a clock that is compared with that of Postgres', () => {
  it.each([
    [-3_000, 3_000],
    [3_000, -3_000],
    [0, 0],
  ])('which is ahead by %d ms: %d', async (postgresAheadMs, aheadMs) => {
    expect(Math.abs((await clockAheadMs(postgres(postgresAheadMs))) - aheadMs)).toBeLessThan(50);
  });

  it('has the way there and back in its favour', async () => {
    const aheadMs = await clockAheadMs(postgres(-1_050, 300));
    expect(aheadMs).toBeGreaterThan(0);
    expect(aheadMs).toBeLessThan(1_000);
  });

  it.each([
    ['is told where it is more than a second apart', postgres(-1_500), 1],
    ['is not told where it is less', postgres(-500), 0],
    ['is not told where Postgres does not answer', { query: () => Promise.reject(new Error('away')) }, 0],
  ])('%s', async (_, pool, times) => {
    const told: number[] = [];
    const stop = new AbortController();
    const watching = watchClock({ pool, onSkewed: (ms) => told.push(ms), log, signal: stop.signal });
    await new Promise((resolve) => setTimeout(resolve, 50));
    stop.abort();
    await watching;
    expect(told).toHaveLength(times);
  });
});
