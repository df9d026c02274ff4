import { database, recoveries, recoveryLegs, withPostgresErrors, type Pool } from '@reinvite/db';
import { and, eq, inArray, isNull, or } from 'drizzle-orm';
import type { Recoveries } from '../recoveries/recoveries.js';

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

/**
 * Calls that wait for a node are not begun any more while most nodes are down: they wait for the operator as the others do.
 * @param until when they are given up, epoch ms.
 * @throws CodedError `POSTGRES_UNREACHABLE`
 */
export async function holdWaiting(
  recoveryIds: readonly string[],
  recoveries: Pick<Recoveries, 'tell'>,
  until: number,
): Promise<void> {
  const command = { type: 'HoldRecovery', reason: 'mass-failure', until, at: Date.now() } as const;
  if (recoveryIds.length > 0)
    await recoveries.tell(recoveryIds.map((recoveryId) => ({ recoveryId, command })));
}
