import { database, recoveries, recoveryLegs, withPostgresErrors, type Pool } from '@reinvite/db';
import { and, eq } from 'drizzle-orm';

/**
 * The legs of a dead incarnation that a recovery has already, whatever became of it. Records that came late can show other
 * calls than before, under other ids; a leg that had been planned must not be given to a second recovery with them.
 * @throws CodedError `POSTGRES_UNREACHABLE`
 */
export async function plannedLegs(
  pool: Pool,
  nodeId: string,
  incarnation: string,
): Promise<ReadonlySet<string>> {
  const rows = await withPostgresErrors(() =>
    database(pool)
      .selectDistinct({ legId: recoveryLegs.legId })
      .from(recoveryLegs)
      .innerJoin(recoveries, eq(recoveries.recoveryId, recoveryLegs.recoveryId))
      .where(and(eq(recoveries.nodeId, nodeId), eq(recoveries.incarnation, incarnation))),
  );
  return new Set(rows.map((row) => row.legId));
}
