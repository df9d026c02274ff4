import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createLogger } from '@reinvite/runtime';
import { startBackends } from '@reinvite/test-support';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../src/migrate.js';
import { RIGHTS } from '../src/rights.js';

const ROLES_SQL = new URL('../../deploy/postgres/roles.sql', import.meta.url);
const PASSWORD = 'password-of-the-test';
const log = createLogger('test', 'fatal');

const APPEND = 'select * from append_events($1, $2, $3)';

/** One event for a stream, and a message on a subject, as `append_events` takes them. */
function appending(stream: string, subject: string): string[] {
  const id = randomUUID();
  const event = { stream, version: 1, id, type: 'Test', schema: 1, data: {}, metadata: {} };
  return [
    [{ stream, expected: 0, count: 1 }],
    [event],
    [{ stream, id: `${id}-message`, subject, message: {} }],
  ].map((one) => JSON.stringify(one));
}

describe('the roles of Postgres', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let admin: pg.Client;
  let url: URL;
  const open: pg.Client[] = [];
  const name = `roles_${process.pid}`;

  async function as(role: string): Promise<pg.Client> {
    const own = new URL(url);
    own.username = role;
    own.password = PASSWORD;
    const client = new pg.Client({ connectionString: own.href });
    await client.connect();
    open.push(client);
    return client;
  }

  beforeAll(async () => {
    backends = await startBackends();
    const server = new pg.Client({ connectionString: backends.postgresUrl });
    await server.connect();
    await server.query(`create database ${name}`);
    await server.end();
    url = new URL(backends.postgresUrl);
    url.pathname = `/${name}`;
    admin = new pg.Client({ connectionString: url.href });
    await admin.connect();
    // Twice: it is run again whenever it changes.
    for (let time = 0; time < 2; time += 1) await admin.query(await readFile(ROLES_SQL, 'utf8'));
    for (const role of ['reinvite_migrate', ...Object.keys(RIGHTS)])
      await admin.query(`alter role ${role} password '${PASSWORD}'`);
    const owner = new URL(url);
    owner.username = 'reinvite_migrate';
    owner.password = PASSWORD;
    await migrate(owner.href, log);
    await migrate(owner.href, log);
  });
  afterAll(async () => {
    for (const client of open) await client.end();
    await admin.end();
    const server = new pg.Client({ connectionString: backends.postgresUrl });
    await server.connect();
    await server.query(`drop database ${name} with (force)`);
    await server.end();
    await backends.stop();
  });

  const tables = async (): Promise<string[]> => {
    const { rows } = await admin.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    return rows.map((row) => row.name).sort();
  };

  it('are told of every table: one that is missing in RIGHTS nobody could use', async () => {
    const named = new Set(Object.values(RIGHTS).flatMap((rights) => Object.keys(rights)));
    expect([...named].sort()).toEqual(await tables());
  });

  it('have on every table what RIGHTS says, and nothing else', async () => {
    for (const [role, rights] of Object.entries(RIGHTS)) {
      for (const table of await tables()) {
        const { rows } = await admin.query<{ privilege: string }>(
          `select p as privilege from unnest(array['select','insert','update','delete','truncate','references','trigger']) as p
           where has_table_privilege($1, $2, p)`,
          [role, table],
        );
        const has = rows.map(({ privilege }) => privilege).sort();
        expect(has, `${role} on ${table}`).toEqual([...(rights[table] ?? [])].sort());
      }
    }
  });

  it('let the audit read every audit view, no table, and write nothing', async () => {
    const audit = await as('reinvite_audit');
    const { rows: views } = await admin.query<{ name: string }>(
      `select table_name as name from information_schema.views where table_schema = 'public'`,
    );
    expect(views.length).toBeGreaterThan(3);
    for (const view of views) await audit.query(`select * from ${view.name}`);
    const writable = await as('reinvite_audit');
    await writable.query('set default_transaction_read_only = off');
    for (const client of [audit, writable]) {
      for (const table of await tables()) {
        await expect(client.query(`select * from ${table}`), table).rejects.toMatchObject({ code: '42501' });
        await expect(client.query(`delete from ${table}`), table).rejects.toThrow();
      }
    }
    await expect(writable.query(`update audit_recoveries set outcome = 'x'`)).rejects.toThrow();
    await expect(writable.query('create table mine (n integer)')).rejects.toMatchObject({ code: '42501' });
    await expect(writable.query('create temp table mine (n integer)')).rejects.toMatchObject({
      code: '42501',
    });
    await expect(
      writable.query(APPEND, appending('recovery-1', 'reinvite.restore.command.ast1')),
    ).rejects.toMatchObject({ code: '42501' });
    await expect(audit.query('create table mine (n integer)')).rejects.toMatchObject({ code: '25006' });
  });

  it('let the sentinel write what is about nodes, and see nothing else', async () => {
    const recovery = await as('reinvite_recovery');
    const sentinel = await as('reinvite_sentinel');
    await recovery.query(APPEND, appending('recovery-2', 'reinvite.restore.command.ast1'));
    const { rows } = await sentinel.query(APPEND, appending('node-ast1', 'reinvite.node.down.ast1'));
    expect(rows).toMatchObject([{ stream_id: 'node-ast1', status: 'appended' }]);
    for (const [stream, subject] of [
      ['recovery-3', 'reinvite.node.down.ast1'],
      ['node-ast3', 'reinvite.restore.command.ast1'],
      ['control', 'reinvite.node.down.ast1'],
    ] as const) {
      await expect(sentinel.query(APPEND, appending(stream, subject)), stream).rejects.toThrow();
    }
    const seen = await sentinel.query<{ stream_id: string }>('select stream_id from events');
    expect(seen.rows).toEqual([{ stream_id: 'node-ast1' }]);
    const waiting = await sentinel.query<{ subject: string }>('select subject from outbox');
    expect(waiting.rows).toEqual([{ subject: 'reinvite.node.down.ast1' }]);
    expect((await recovery.query('select * from outbox')).rowCount).toBe(2);
  });

  it('let Asterisk add billing records and neither read nor change any, with the linkage that it cannot look up', async () => {
    const asterisk = await as('reinvite_billing');
    const recovery = await as('reinvite_recovery');
    const recoveryId = 'f'.repeat(20);
    const [streams, events] = appending(`recovery-${recoveryId}`, 'none');
    const planned = JSON.parse(events ?? '') as Record<string, unknown>[];
    const withLinkage = JSON.stringify(planned.map((event) => ({ ...event, data: { linkedId: 'first' } })));
    await recovery.query(APPEND, [streams, withLinkage, '[]']);
    await asterisk.query(`set application_name = 'ast9'`);
    for (const uniqueid of ['ast9-1.1', `reinvite-${recoveryId}-0-1`])
      await asterisk.query(
        `insert into cdr (start, answer, "end", src, uniqueid, linkedid) values (100.25, 101.5, 103, '100', $1, $1)`,
        [uniqueid],
      );
    await asterisk.query(`insert into cel (id, node_id, eventtype, eventtime, event_at)
                          values (default, default, 'ANSWER', 101.5, default)`);
    for (const statement of [
      'select id from cdr',
      'select id from cel',
      'delete from cdr',
      `update cdr set src = 'x'`,
    ])
      await expect(asterisk.query(statement), statement).rejects.toMatchObject({ code: '42501' });
    const { rows } = await admin.query(
      'select node_id, written_by, call_linkedid, answered_at from cdr order by id',
    );
    const answered_at = new Date(101_500);
    expect(rows).toEqual([
      { node_id: 'ast9', written_by: 'asterisk', call_linkedid: 'ast9-1.1', answered_at },
      { node_id: 'ast9', written_by: 'asterisk', call_linkedid: 'first', answered_at },
    ]);
    const { rows: cel } = await admin.query('select node_id, event_at from cel');
    expect(cel).toEqual([{ node_id: 'ast9', event_at: answered_at }]);
  });

  it('let nobody change or remove an event, nor make a table', async () => {
    for (const role of ['reinvite_recovery', 'reinvite_sentinel', 'reinvite_ledger']) {
      const client = await as(role);
      for (const statement of [
        `update events set data = '{}'`,
        'delete from events',
        'truncate events',
        'create table mine (n integer)',
        'drop table dialogs',
        `update drizzle.__drizzle_migrations set hash = ''`,
        `create function public.append_events(a jsonb) returns void language sql return null`,
      ])
        await expect(client.query(statement), `${role}: ${statement}`).rejects.toMatchObject({
          code: '42501',
        });
      await client.query('select max(created_at) from drizzle.__drizzle_migrations');
    }
  });
});
