import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '@reinvite/lab';
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
  try {
    return await work();
  } finally {
    over.abort();
    await pulses;
  }
}

/** Keeps a table from everybody for `ms`, as a migration does; resolves once it is kept. @returns resolves when it is free again. */
export async function lockTable(db: pg.Pool, table: string, ms: number): Promise<{ done: Promise<void> }> {
  const client = await db.connect();
  await client.query('begin');
  await client.query(`lock table ${client.escapeIdentifier(table)} in access exclusive mode`);
  const release = async (): Promise<void> => {
    await client.query('select pg_sleep($1)', [ms / 1_000]);
    await client.query('commit');
    client.release();
  };
  return { done: release() };
}
