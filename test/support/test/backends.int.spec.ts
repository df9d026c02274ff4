import pg from 'pg';
import { expect, it } from 'vitest';
import { startBackends } from '../src/index.js';

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

it('gives every caller a migrated database and a NATS server of its own', async () => {
  const [one, other] = await Promise.all([startBackends(), startBackends()]);
  try {
    await query(one.postgresUrl, 'create table only_here ()');
    const tables =
      "select table_name from information_schema.tables where table_name in ('events', 'only_here') order by 1";
    expect(await query(one.postgresUrl, tables)).toEqual([
      { table_name: 'events' },
      { table_name: 'only_here' },
    ]);
    expect(await query(other.postgresUrl, tables)).toEqual([{ table_name: 'events' }]);
    expect(one.natsUrl).not.toBe(other.natsUrl);
  } finally {
    await Promise.all([one.stop(), other.stop()]);
  }
});

it('leaves no database behind, also where somebody is still connected', async () => {
  const backends = await startBackends();
  const client = new pg.Client({ connectionString: backends.postgresUrl });
  client.on('error', () => undefined);
  await client.connect();
  await backends.stop();
  await expect(query(backends.postgresUrl, 'select 1')).rejects.toThrow(/does not exist/);
});
