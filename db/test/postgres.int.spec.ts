import { createLogger, isCoded, retryForever } from '@reinvite/runtime';
import { startBackends } from '@reinvite/test-support';
import { sql } from 'drizzle-orm';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withPostgresErrors } from '../src/errors.js';
import { migrate, requireSchema } from '../src/migrate.js';
import { connectPool, database, inTransaction, warmPool, type Pool } from '../src/pool.js';

const log = createLogger('test', 'fatal');

describe('Postgres', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let pool: Pool;

  beforeAll(async () => {
    backends = await startBackends();
    pool = connectPool(backends.postgresUrl, { applicationName: 'reinvite-test', log, size: 4 });
    await pool.query('create table scratch (n integer primary key)');
  });
  afterAll(async () => {
    await pool.end();
    await backends.stop();
  });

  /** A database of its own on the same server. */
  async function freshDatabase(name: string): Promise<string> {
    await pool.query(`create database ${name}`);
    const url = new URL(backends.postgresUrl);
    url.pathname = `/${name}`;
    return url.toString();
  }

  it('is migrated once when several migrate at the same time, and again without effect', async () => {
    const name = `fresh_${process.pid}`;
    const url = await freshDatabase(name);
    const own = connectPool(url, { applicationName: 'reinvite-test', log });
    await expect(requireSchema(own)).rejects.toMatchObject({ code: 'SCHEMA_OUTDATED' });
    await Promise.all([migrate(url, log), migrate(url, log), migrate(url, log)]);
    await migrate(url, log);
    await requireSchema(own);
    const { rows } = await own.query<{ hash: string }>('select hash from drizzle.__drizzle_migrations');
    expect(rows.length).toBeGreaterThan(0);
    expect(new Set(rows.map((row) => row.hash)).size).toBe(rows.length);
    await own.end();
    await pool.query(`drop database ${name}`);
  });

  it('rolls back what did not end well', async () => {
    const bug = new Error('in the middle');
    await expect(
      inTransaction(pool, async (tx) => {
        await tx.execute(sql`insert into scratch values (1)`);
        throw bug;
      }),
    ).rejects.toBe(bug);
    const { rows } = await pool.query('select * from scratch where n = 1');
    expect(rows).toEqual([]);
  });

  it('codes the error of a query, without its parameters', async () => {
    await pool.query('insert into scratch values (424242)');
    const error: unknown = await inTransaction(pool, (tx) =>
      tx.execute(sql`insert into scratch values (${424242})`),
    ).catch((e: unknown) => e);
    expect(isCoded(error, 'POSTGRES_QUERY_FAILED')).toBe(true);
    expect(String(error)).not.toContain('424242');
  });

  it('outlives the loss of every connection, idle or in a transaction', async () => {
    await warmPool(pool, 3);
    const admin = new pg.Client({ connectionString: backends.postgresUrl });
    await admin.connect();
    const cut = inTransaction(pool, async (tx) => {
      await tx.execute(sql`insert into scratch values (2)`);
      await admin.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'reinvite-test'",
      );
      await tx.execute(sql`insert into scratch values (3)`);
    });
    await expect(cut).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
    await admin.end();
    const read = (): Promise<unknown> =>
      withPostgresErrors(
        async () => (await database(pool).execute(sql`select n from scratch where n in (2, 3)`)).rows,
      );
    const rows = await retryForever(read, { what: 'reading', log, minMs: 1 });
    expect(rows).toEqual([]);
  });

  it('is unreachable, and says so, where nobody listens', async () => {
    const nowhere = connectPool('postgres://nobody@127.0.0.1:1/none', {
      applicationName: 'reinvite-test',
      log,
    });
    await expect(warmPool(nowhere, 1)).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
    await expect(migrate('postgres://nobody@127.0.0.1:1/none', log)).rejects.toMatchObject({
      code: 'POSTGRES_UNREACHABLE',
    });
    await nowhere.end();
  });

  it('cancels a statement that runs too long', async () => {
    const hasty = connectPool(backends.postgresUrl, {
      applicationName: 'reinvite-test',
      log,
      statementTimeoutMs: 50,
    });
    await expect(inTransaction(hasty, (tx) => tx.execute(sql`select pg_sleep(30)`))).rejects.toMatchObject({
      code: 'POSTGRES_BUSY',
    });
    await hasty.end();
  });
});
