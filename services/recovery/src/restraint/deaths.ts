import { database, withPostgresErrors, type Pool } from '@reinvite/db';
import type { NodeDeath } from '@reinvite/domain';
import { sql } from 'drizzle-orm';

interface Row extends Record<string, unknown> {
  readonly node_id: string;
  readonly incarnation: string;
  readonly at: number;
}

/**
 * The deaths of nodes that were recorded since a moment (epoch ms, the database's clock). A sentinel records a death before it
 * publishes it, so whoever acts on a death finds it here, and those before it.
 * @throws CodedError `POSTGRES_UNREACHABLE`
 */
export async function deathsSince(pool: Pool, since: number): Promise<NodeDeath[]> {
  const { rows } = await withPostgresErrors(() =>
    database(pool).execute<Row>(sql`
      select data ->> 'nodeId' as node_id, data ->> 'incarnation' as incarnation, (data ->> 'at')::float8 as at
      from events
      where type = 'NodeDown' and recorded_at >= to_timestamp(${since}::float8 / 1000)`),
  );
  return rows.map(({ node_id: nodeId, incarnation, at }) => ({ nodeId, incarnation, at }));
}
