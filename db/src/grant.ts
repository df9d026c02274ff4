import type pg from 'pg';
import { RIGHTS, rightsStatements } from './rights.js';

/**
 * Gives the roles that this server has their rights, all in one transaction. Where it has none of them, as with one role for
 * everything, nothing is done.
 * @returns the roles.
 */
export async function grantRights(client: pg.Client): Promise<string[]> {
  const roles = await names(
    client,
    'select rolname as name from pg_roles where rolname = any ($1) order by 1',
    [Object.keys(RIGHTS)],
  );
  const views = await names(
    client,
    `select table_name as name from information_schema.views where table_schema = 'public' order by 1`,
  );
  const guarded = await names(
    client,
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relrowsecurity`,
  );
  await client.query('begin');
  try {
    for (const statement of rightsStatements(roles, views, guarded)) await client.query(statement);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
  return roles;
}

async function names(client: pg.Client, query: string, values: unknown[] = []): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(query, values);
  return rows.map(({ name }) => name);
}
