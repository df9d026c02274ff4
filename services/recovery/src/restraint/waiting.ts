import { database, recoveries, recoveryLegs, withPostgresErrors, type Pool } from '@reinvite/db';
import { and, eq, inArray, isNull, or } from 'drizzle-orm';

/**
 * Recoveries of which nothing was dialled yet: they are held, or wait for a node.
 * @param callId ours, or the SIP Call-ID of one of the legs; every call where it is absent.
 * @throws CodedError `POSTGRES_UNREACHABLE`
 */
export async function waitingRecoveries(pool: Pool, callId?: string): Promise<string[]> {
  const db = database(pool);
  const isWaiting = and(isNull(recoveries.outcome), eq(recoveries.attempts, 0));
  const byLeg = (sipCallId: string) =>
    db
      .select({ id: recoveryLegs.recoveryId })
      .from(recoveryLegs)
      .where(eq(recoveryLegs.sipCallId, sipCallId));
  const isWanted =
    callId === undefined
      ? undefined
      : or(eq(recoveries.callId, callId), inArray(recoveries.recoveryId, byLeg(callId)));
  const rows = await withPostgresErrors(() =>
    db.select({ id: recoveries.recoveryId }).from(recoveries).where(and(isWaiting, isWanted)),
  );
  return rows.map(({ id }) => id);
}
