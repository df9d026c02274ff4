import { database, recoveries, withPostgresErrors, type Pool } from '@reinvite/db';
import { recoveryOfChannel, type Call, type PastRecovery } from '@reinvite/domain';
import { and, getTableColumns, gt, inArray, sql } from 'drizzle-orm';

/** Its last target's death is told by the recovery that answers it. */
const lostTargets = sql<number>`(
  select count(*)::int from events
  where events.stream_id = 'recovery-' || ${recoveries.recoveryId} and events.type = 'TargetDied'
    and events.data ->> 'target' is distinct from ${recoveries.target})`;

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
      .select({ ...getTableColumns(recoveries), lostTargets })
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
    takenAt: takenAt(row)?.getTime() ?? null,
    lostTargets: row.lostTargets,
  }));
}

/**
 * Of a phone that is quick the answer may be told first, and nothing after it counts. Of what a worker had begun when it died
 * nothing is told at all: a call that is lost with that node was there even so.
 */
function takenAt({
  firstOriginatedAt,
  answeredAt,
  plannedAt,
  attempts,
}: Pick<
  typeof recoveries.$inferSelect,
  'firstOriginatedAt' | 'answeredAt' | 'plannedAt' | 'attempts'
>): Date | null {
  return firstOriginatedAt ?? answeredAt ?? (attempts > 0 ? plannedAt : null);
}
