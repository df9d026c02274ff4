import { database, recoveries, withPostgresErrors, type Pool } from '@reinvite/db';
import { recoveryOfChannel, type Call, type PastRecovery } from '@reinvite/domain';
import { and, gt, inArray } from 'drizzle-orm';

/**
 * Earlier recoveries of these calls: one query, and none where no call has been recovered before.
 * @param since epoch ms; what was planned before is left out.
 * @throws CodedError `POSTGRES_UNREACHABLE`
 */
export async function pastRecoveries(
  pool: Pool,
  calls: readonly Call[],
  since: number,
): Promise<PastRecovery[]> {
  const callIds = calls
    .filter((call) => call.legs.some(({ legId }) => recoveryOfChannel(legId) !== null))
    .map(({ callId }) => callId);
  if (callIds.length === 0) return [];
  const rows = await withPostgresErrors(() =>
    database(pool)
      .select()
      .from(recoveries)
      .where(and(inArray(recoveries.callId, callIds), gt(recoveries.plannedAt, new Date(since)))),
  );
  return rows.map((row) => ({
    callId: row.callId,
    nodeId: row.nodeId,
    incarnation: row.incarnation,
    detectedAt: row.detectedAt.getTime(),
    target: row.target,
    targetIncarnation: row.targetIncarnation,
    takenAt: row.firstOriginatedAt?.getTime() ?? null,
  }));
}
