import { isCoded, type Logger } from '@reinvite/runtime';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { clientConfig, isOpenToOthers } from './address.js';
import { withPostgresErrors, wrapPostgresError } from './errors.js';

/** Drizzle over a pool, or over the one connection of a transaction. */
export type Database = NodePgDatabase<Record<string, never>>;
export type Pool = pg.Pool;

export interface PoolOptions {
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly log: Logger;
  /** Connections at most; default 8. */
  readonly size?: number;
  /** A statement that runs longer is cancelled; default 10 s. */
  readonly statementTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 3_000;

/** Beyond the server's own limit, for a server that no longer answers at all. */
const NO_ANSWER_MARGIN_MS = 2_000;

/**
 * A pool that outlives every loss of its connections: a lost one is logged and replaced at the next use. Connections stay
 * open, because making one costs several milliseconds that the way to the first re-INVITE does not have.
 */
export function connectPool(url: string, options: PoolOptions): Pool {
  const { applicationName, log, size = 8, statementTimeoutMs = 10_000 } = options;
  const pool = new pg.Pool({
    application_name: applicationName,
    max: size,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + NO_ANSWER_MARGIN_MS,
    keepAlive: true,
    // Compiling a plan costs more than any query here takes.
    options: '-c jit=off',
    ...clientConfig(url),
  });
  if (isOpenToOthers(url)) {
    log.warn('the connection to Postgres is not verified (sslmode=verify-full): see docs/security.md');
  }
  pool.on('error', (err) => log.warn({ err: wrapPostgresError(err) }, 'idle connection to Postgres lost'));
  // A client that is checked out has no listener of the pool, and an error event that nobody hears ends the process.
  pool.on('connect', (client) => {
    client.on('error', (err) => log.debug({ err: wrapPostgresError(err) }, 'connection to Postgres lost'));
  });
  return pool;
}

/**
 * Opens connections ahead of their use, and runs a statement on each so that it is planned there already.
 * @throws CodedError `POSTGRES_UNREACHABLE`, `SCHEMA_OUTDATED`.
 */
export async function warmPool(pool: Pool, connections: number, statement = 'select 1'): Promise<void> {
  const opened = await Promise.allSettled(Array.from({ length: connections }, () => pool.connect()));
  const clients = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const warmed = await Promise.allSettled(clients.map((client) => client.query(statement)));
  for (const client of clients) client.release();
  const failure = [...opened, ...warmed].find((result) => result.status === 'rejected');
  if (failure !== undefined) throw wrapPostgresError(failure.reason);
}

/** Drizzle over a pool: each query on a connection of its own. */
export function database(pool: Pool): Database {
  return drizzle(pool);
}

/**
 * Runs `work` in one transaction (read committed) and commits it.
 * @throws what `work` throws, rolled back; the coded errors of {@link wrapPostgresError}. After `POSTGRES_UNREACHABLE` it is not known whether
 * the transaction was committed: what is in it must be safe to repeat.
 */
export async function inTransaction<T>(pool: Pool, work: (tx: Database) => Promise<T>): Promise<T> {
  return withPostgresErrors(async () => {
    const client = await pool.connect();
    let broken = false;
    try {
      await client.query('begin');
      const result = await work(drizzle(client));
      await client.query('commit');
      return result;
    } catch (error) {
      const wrapped = wrapPostgresError(error);
      broken = isCoded(wrapped, 'POSTGRES_UNREACHABLE') || !(await rolledBack(client));
      throw wrapped;
    } finally {
      client.release(broken);
    }
  });
}

/** False when the connection itself is of no more use; the server rolls back by itself then. */
async function rolledBack(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query('rollback');
    return true;
  } catch {
    return false;
  }
}
