import { callFlows, database, withPostgresErrors, type Pool } from '@reinvite/db';
import type { FlowOfLeg } from '@reinvite/domain';
import { sql } from 'drizzle-orm';

/**
 * What ARI applications have put of these legs, by SIP Call-ID: one query, however many.
 * @throws CodedError `POSTGRES_UNREACHABLE`
 */
export async function readFlows(
  pool: Pool,
  sipCallIds: readonly string[],
): Promise<ReadonlyMap<string, FlowOfLeg>> {
  if (sipCallIds.length === 0) return new Map();
  const { sipCallId, version, state } = callFlows;
  const rows = await withPostgresErrors(() =>
    database(pool)
      .select({ sipCallId, version, state })
      .from(callFlows)
      .where(sql`${sipCallId} = any (${sql.param(sipCallIds)})`),
  );
  return new Map(rows.map((row) => [row.sipCallId, { version: row.version, state: row.state }]));
}
