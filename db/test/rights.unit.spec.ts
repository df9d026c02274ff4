import { readdir, readFile } from 'node:fs/promises';
import { getTableName, is } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import { describe, expect, it } from 'vitest';
import { RIGHTS } from '../src/rights.js';
import * as schema from '../src/schema/index.js';

const ROOT = new URL('../../', import.meta.url);

/** Whose statements stand where. */
const SOURCES: readonly (readonly [role: string, path: string])[] = [
  ['reinvite_recovery', 'services/recovery/src/'],
  ['reinvite_recovery', 'packages/event-store/src/'],
  ['reinvite_sentinel', 'services/sentinel/src/'],
  ['reinvite_sentinel', 'packages/event-store/src/outbox-rows.ts'],
  ['reinvite_ledger', 'services/dialog-ledger/src/'],
  ['reinvite_ledger', 'db/src/dialogs.ts'],
];

/** SQL names by the names that the code has for the tables. */
const TABLES = new Map(
  Object.entries(schema).flatMap(([name, table]) =>
    is(table, PgTable) ? [[name, getTableName(table)]] : [],
  ),
);

async function sourceOf(path: string): Promise<string> {
  if (!path.endsWith('/')) return readFile(new URL(path, ROOT), 'utf8');
  const dir = new URL(path, ROOT);
  const names = await readdir(dir, { recursive: true });
  const texts = names
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFile(new URL(name, dir), 'utf8'));
  return (await Promise.all(texts)).join('\n');
}

/** Each write that a source names a table for: by drizzle's builder, or as SQL. */
function writesOf(source: string): string[] {
  const built = [...source.matchAll(/\.(insert|update|delete)\((\w+)\)/g)].flatMap(([, verb, name]) => {
    const table = TABLES.get(name ?? '');
    return table === undefined ? [] : [`${verb} ${table}`];
  });
  const names = [...TABLES.values()].join('|');
  const written = [
    ...source.matchAll(
      new RegExp(`(insert) into (${names})\\b|(delete) from (${names})\\b|(update) (${names}) set\\b`, 'g'),
    ),
  ].map(([, ...parts]) => parts.filter((part) => part !== undefined).join(' '));
  return [...new Set([...built, ...written])].sort();
}

describe('every table that a service writes', () => {
  it.each(SOURCES)('%s may write as %s says', async (role, path) => {
    const granted = Object.entries(RIGHTS[role] ?? {}).flatMap(([table, rights]) =>
      rights.map((right) => `${right} ${table}`),
    );
    expect(granted).toEqual(expect.arrayContaining(writesOf(await sourceOf(path))));
  });

  it('is found in the code', async () => {
    const found = writesOf(await sourceOf('services/recovery/src/'));
    expect(found).toEqual(
      expect.arrayContaining([
        'delete recovery_requests',
        'delete node_incarnations',
        'update legs',
        'insert recoveries',
      ]),
    );
  });
});
