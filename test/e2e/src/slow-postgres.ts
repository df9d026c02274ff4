import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '@reinvite/lab';
import { eventually } from '@reinvite/test-support';
import type pg from 'pg';

/** It stands still for so long, and then works for so long. */
const STILL_MS = 250;
const WORKING_MS = 100;

/**
 * A database that is starved: all of its processes stand still most of the time, until `work` is done. What is asked of it is
 * done, and late.
 */
export async function whilePostgresIsStarved<T>(lab: Lab, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const pulses = (async () => {
    while (!over.signal.aborted) {
      await lab.hang('postgres');
      await delay(STILL_MS);
      await lab.heal('postgres');
      await delay(WORKING_MS);
    }
  })();
  // That they have failed is told when the work is done.
  pulses.catch(() => undefined);
  try {
    return await work();
  } finally {
    over.abort();
    await pulses;
  }
}

/** Keeps a table from everybody, as a migration does, until `work` is done. */
export async function whileTableIsLocked<T>(db: pg.Pool, table: string, work: () => Promise<T>): Promise<T> {
  const client = await db.connect();
  try {
    await client.query('begin');
    await client.query(`lock table ${client.escapeIdentifier(table)} in access exclusive mode`);
    const done = await work();
    await client.query('commit');
    return done;
  } finally {
    // With its connection ends what the work's failure has left open.
    client.release(true);
  }
}

/** Resolves when somebody waits for a table that is locked. */
export async function untilAwaited(db: pg.Pool, table: string): Promise<void> {
  await eventually(`somebody to wait for ${table}`, async () => {
    const { rows } = await db.query('select 1 from pg_locks where not granted and relation = $1::regclass', [
      table,
    ]);
    return rows.length > 0;
  });
}
