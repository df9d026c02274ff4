import { codedError, CodedError } from '@reinvite/runtime';

/** Node's own codes of a connection that could not be made or was lost. */
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'EMFILE',
]);

/** `pg` has no codes for these. */
const CONNECTION_MESSAGES =
  /^(The server does not support SSL|There was an error establishing an SSL|Connection terminated|Connection ended|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client (has encountered|was closed)|Cannot use a pool after)/;

/** Node's codes for a certificate that is not to be trusted, or a handshake that failed. */
const TLS_CODES = /^(ERR_TLS_|ERR_SSL_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|ERR_OSSL_)/;

/**
 * SQLSTATEs that go away without a change to the query: connection (08), resources such as a full disk (53), shutdown and
 * start (57P), I/O (58); and a login (28) or database (3D) that is not there yet.
 */
const UNREACHABLE = /^(08|28|3D|53|57P|58)/;

/** Serialization failure, deadlock, lock timeout, statement timeout, a standby that was not promoted yet. */
const BUSY = new Set(['40001', '40P01', '55P03', '57014', '25006']);

/** Undefined table, column, function: the migrations have not run yet. */
const SCHEMA = new Set(['42P01', '42703', '42883']);

interface PostgresFailure {
  readonly code?: string;
  readonly message: string;
  readonly table?: string;
  readonly constraint?: string;
  readonly routine?: string;
}

/**
 * Turns what `pg` and drizzle throw into a coded error. Neither its message nor its details hold a query's parameters:
 * drizzle prints them into its message, and Postgres quotes values in those of class 22 and in `detail`.
 * @returns a CodedError `POSTGRES_UNREACHABLE`, `POSTGRES_BUSY`, `SCHEMA_OUTDATED` (all retryable) or `POSTGRES_QUERY_FAILED`; any other
 * error as it is, for it is not Postgres' doing.
 */
export function wrapPostgresError(error: unknown): unknown {
  if (error instanceof CodedError) return error;
  const failure = innermost(error);
  if (failure === undefined) return error;
  const { code = '', message } = failure;
  const details = {
    ...(code === '' ? {} : { postgresCode: code }),
    ...(failure.table === undefined ? {} : { table: failure.table }),
    ...(failure.constraint === undefined ? {} : { constraint: failure.constraint }),
    ...(failure.routine === undefined ? {} : { routine: failure.routine }),
  };
  if (
    CONNECTION_CODES.has(code) ||
    TLS_CODES.test(code) ||
    UNREACHABLE.test(code) ||
    CONNECTION_MESSAGES.test(message)
  ) {
    return codedError('POSTGRES_UNREACHABLE', message === '' ? code : message, details);
  }
  if (BUSY.has(code)) return codedError('POSTGRES_BUSY', `${message} (${code})`, details);
  if (SCHEMA.has(code)) return codedError('SCHEMA_OUTDATED', `${message} (${code})`, details);
  if (!isSqlState(code)) return error;
  return codedError(
    'POSTGRES_QUERY_FAILED',
    code.startsWith('22') ? `invalid data (${code})` : `${message} (${code})`,
    details,
  );
}

/** Runs `work` and throws its errors as {@link wrapPostgresError} makes them. */
export async function withPostgresErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw wrapPostgresError(error);
  }
}

function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code);
}

/** Drizzle wraps the error of `pg`, Node wraps those of several addresses tried in turn. */
function innermost(error: unknown): PostgresFailure | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0]);
  if ('query' in error && 'params' in error && error.cause !== undefined) return innermost(error.cause);
  return error;
}
