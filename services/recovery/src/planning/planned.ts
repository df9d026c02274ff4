import { database, recoveries, recoveryLegs, withPostgresErrors, type Pool } from '@reinvite/db';
import { and, eq } from 'drizzle-orm';
import { isLegRow } from './claim.js';
import { handedOnLegs } from './handed-on.js';

/** What of a dead incarnation has a recovery already, whatever became of it. */
export interface Planned {
  /** In one of its own recoveries, or in one that goes on with them elsewhere. */
  readonly legIds: ReadonlySet<string>;
  /** A leg that comes late belongs to none of them any more: it would get a recovery that has begun without it. */
  readonly callIds: ReadonlySet<string>;
}

/**
 * Records that came late can show other calls than before, under other ids; a leg that had been planned must not be given to a
 * second recovery with them.
 * @throws CodedError `POSTGRES_UNREACHABLE`
 */
export async function whatIsPlanned(pool: Pool, nodeId: string, incarnation: string): Promise<Planned> {
  const db = database(pool);
  const [planned, handedOn] = await withPostgresErrors(() =>
    Promise.all([
      db
        .selectDistinct({ callId: recoveries.callId, legId: recoveryLegs.legId })
        .from(recoveries)
        .leftJoin(recoveryLegs, and(eq(recoveryLegs.recoveryId, recoveries.recoveryId), isLegRow))
        .where(and(eq(recoveries.nodeId, nodeId), eq(recoveries.incarnation, incarnation))),
      handedOnLegs(db, nodeId, incarnation),
    ]),
  );
  const own = planned.flatMap(({ legId }) => (legId === null ? [] : [legId]));
  return {
    legIds: new Set([...own, ...handedOn]),
    callIds: new Set(planned.map(({ callId }) => callId)),
  };
}
