import { isCoded, type CodedError } from '@reinvite/runtime';
import { DrizzleQueryError } from 'drizzle-orm/errors';
import { describe, expect, it } from 'vitest';
import { wrapPostgresError } from '../src/errors.js';

function failure(message: string, fields: Record<string, unknown> = {}): Error {
  return Object.assign(new Error(message), fields);
}

describe('errors of Postgres', () => {
  it.each([
    ['a refused connection', failure('connect ECONNREFUSED 127.0.0.1:5432', { code: 'ECONNREFUSED' })],
    [
      'a refused connection on every address',
      new AggregateError([failure('connect', { code: 'ECONNREFUSED' })]),
    ],
    ['a connection cut in the middle', failure('Connection terminated unexpectedly')],
    ['no answer to a query', failure('Query read timeout')],
    ['a pool that found no connection', failure('timeout exceeded when trying to connect')],
    [
      'an administrator who shut it down',
      failure('terminating connection due to administrator command', { code: '57P01' }),
    ],
    ['a server that starts', failure('the database system is starting up', { code: '57P03' })],
    ['a full disk', failure('could not extend file', { code: '53100' })],
    ['too many connections', failure('sorry, too many clients already', { code: '53300' })],
    ['a database that does not exist yet', failure('database "x" does not exist', { code: '3D000' })],
  ])('take %s for unreachable, to be tried again', (_what, error) => {
    const wrapped = wrapPostgresError(error);
    expect(isCoded(wrapped, 'POSTGRES_UNREACHABLE')).toBe(true);
    expect((wrapped as CodedError).class).toBe('retryable');
  });

  it.each(['40001', '40P01', '55P03', '57014', '25006'])('take %s for busy, to be tried again', (code) => {
    expect(isCoded(wrapPostgresError(failure('deadlock detected', { code })), 'POSTGRES_BUSY')).toBe(true);
  });

  it('take a missing table for a schema that is not migrated yet', () => {
    const error = failure('relation "events" does not exist', { code: '42P01' });
    expect(isCoded(wrapPostgresError(error), 'SCHEMA_OUTDATED')).toBe(true);
  });

  it('take another refusal for terminal, with the constraint and without the values', () => {
    const refused = failure('duplicate key value violates unique constraint "c"', {
      code: '23505',
      constraint: 'c',
      detail: 'Key (name)=(secret) already exists.',
    });
    const wrapped = wrapPostgresError(
      new DrizzleQueryError('insert into t', ['secret'], refused),
    ) as CodedError;
    expect(wrapped.code).toBe('POSTGRES_QUERY_FAILED');
    expect(wrapped.class).toBe('terminal');
    expect(wrapped.details).toEqual({ postgresCode: '23505', constraint: 'c' });
    expect(JSON.stringify(wrapped) + wrapped.message + String(wrapped.stack)).not.toContain('secret');
    expect(wrapped.cause).toBeUndefined();
  });

  it('say nothing of the value that Postgres quotes in a data error', () => {
    const refused = failure('invalid input syntax for type uuid: "secret"', { code: '22P02' });
    const wrapped = wrapPostgresError(new DrizzleQueryError('select', ['secret'], refused)) as CodedError;
    expect(wrapped.code).toBe('POSTGRES_QUERY_FAILED');
    expect(wrapped.message).not.toContain('secret');
  });

  it('leave alone what is not the doing of Postgres', () => {
    const bug = new TypeError('x is not a function');
    expect(wrapPostgresError(bug)).toBe(bug);
    expect(wrapPostgresError('text')).toBe('text');
  });
});
