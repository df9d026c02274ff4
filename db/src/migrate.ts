import { fileURLToPath } from 'node:url';
import { codedError, type Logger } from '@reinvite/runtime';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as runMigrations } from 'drizzle-orm/node-postgres/migrator';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import pg from 'pg';
import { clientConfig } from './address.js';
import { grantRights } from './grant.js';
import { withPostgresErrors, wrapPostgresError } from './errors.js';
import type { Pool } from './pool.js';

const migrationsFolder = fileURLToPath(new URL('../migrations', import.meta.url));

/** Key of the advisory lock that makes concurrent migrations wait for each other: "reinvite" as a number. */
const LOCK_KEY = '8243124913198892133';

/**
 * Brings the database's schema up to date, all in one transaction, then the rights of the roles; several may run at once.
 * @param url of the database, as a role that may create tables.
 * @throws CodedError `POSTGRES_UNREACHABLE` or `POSTGRES_QUERY_FAILED`.
 */
export async function migrate(url: string, log: Logger): Promise<void> {
  await withPostgresErrors(async () => {
    const client = new pg.Client({
      application_name: 'reinvite-migrate',
      connectionTimeoutMillis: 5_000,
      ...clientConfig(url),
    });
    client.on('error', (err) => log.debug({ err: wrapPostgresError(err) }, 'connection to Postgres lost'));
    try {
      await client.connect();
      await client.query('set client_min_messages = warning');
      await client.query(`select pg_advisory_lock(${LOCK_KEY})`);
      await runMigrations(drizzle(client), { migrationsFolder });
      const roles = await grantRights(client);
      log.info({ roles }, 'database schema is up to date');
    } finally {
      await client.end();
    }
  });
}

/**
 * Checks that the database has every migration that this release brings. A newer schema passes: releases are upgraded
 * one service after the other.
 * @throws CodedError `SCHEMA_OUTDATED`, `POSTGRES_UNREACHABLE`.
 */
export async function requireSchema(pool: Pool): Promise<void> {
  const wanted = readMigrationFiles({ migrationsFolder }).at(-1)?.folderMillis ?? 0;
  const found = await withPostgresErrors(async () => {
    const { rows } = await pool.query<{ last: string | null }>(
      'select max(created_at) as last from drizzle.__drizzle_migrations',
    );
    return Number(rows[0]?.last ?? 0);
  });
  if (found < wanted)
    throw codedError('SCHEMA_OUTDATED', 'migrations are missing; run `reinvite migrate`', { found, wanted });
}
