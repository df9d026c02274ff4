import { database, legs, recoveries, recoveryLegs, withPostgresErrors, type Pool } from '@reinvite/db';
import { and, desc, eq, inArray, isNull, or } from 'drizzle-orm';

export interface Incarnation {
  readonly nodeId: string;
  readonly incarnation: string;
}

/** What a request is looked up by. Every method rejects with the coded errors of `withPostgresErrors`. */
export interface RequestLookup {
  readonly incarnationsOfNode: (nodeId: string) => Promise<Incarnation[]>;
  readonly incarnationsOfCall: (callId: string) => Promise<Incarnation[]>;
  /** Of one incarnation; of one call, where one is named. */
  readonly recoveriesOf: (life: Incarnation, callId?: string) => Promise<string[]>;
  readonly recoveriesOfNode: (nodeId: string) => Promise<string[]>;
  readonly recoveriesOfCall: (callId: string) => Promise<string[]>;
}

/** From the tables of a database. */
export function postgresLookup(pool: Pool): RequestLookup {
  return {
    incarnationsOfNode: (nodeId) => incarnationsOfNode(pool, nodeId),
    incarnationsOfCall: (callId) => incarnationsOfCall(pool, callId),
    recoveriesOf: (life, callId) => recoveriesOf(pool, life, callId),
    recoveriesOfNode: (nodeId) => recoveriesOfNode(pool, nodeId),
    recoveriesOfCall: (callId) => recoveriesOfCall(pool, callId),
  };
}

/** Incarnations of a node on which the call records show live legs. @throws CodedError `POSTGRES_UNREACHABLE`. */
async function incarnationsOfNode(pool: Pool, nodeId: string): Promise<Incarnation[]> {
  return withPostgresErrors(() =>
    database(pool)
      .selectDistinct({ nodeId: legs.nodeId, incarnation: legs.incarnation })
      .from(legs)
      .where(and(eq(legs.nodeId, nodeId), isNull(legs.goneAt))),
  );
}

/** Incarnations on which a call is live, by our call id or the SIP Call-ID of any of its legs. @throws as above. */
async function incarnationsOfCall(pool: Pool, callId: string): Promise<Incarnation[]> {
  const db = database(pool);
  const replacements = db
    .select({ id: recoveryLegs.channelId })
    .from(recoveryLegs)
    .where(eq(recoveryLegs.callId, callId));
  return withPostgresErrors(() =>
    db
      .selectDistinct({ nodeId: legs.nodeId, incarnation: legs.incarnation })
      .from(legs)
      .where(and(isNull(legs.goneAt), or(eq(legs.sipCallId, callId), inArray(legs.channelId, replacements)))),
  );
}

/** Recoveries of an incarnation; of one call, by our call id or the SIP Call-ID of any of its legs, where one is named. @throws as above. */
async function recoveriesOf(
  pool: Pool,
  { nodeId, incarnation }: Incarnation,
  callId?: string,
): Promise<string[]> {
  const db = database(pool);
  const isOfLife = and(eq(recoveries.nodeId, nodeId), eq(recoveries.incarnation, incarnation));
  const isWanted = callId === undefined ? undefined : isOfCall(pool, callId);
  const rows = await withPostgresErrors(() =>
    db
      .select({ id: recoveries.recoveryId })
      .from(recoveries)
      .where(and(isOfLife, isWanted))
      .orderBy(recoveries.recoveryId),
  );
  return rows.map((row) => row.id);
}

function isOfCall(pool: Pool, callId: string) {
  const byLeg = database(pool)
    .select({ id: recoveryLegs.recoveryId })
    .from(recoveryLegs)
    .where(eq(recoveryLegs.sipCallId, callId));
  return or(eq(recoveries.callId, callId), inArray(recoveries.recoveryId, byLeg));
}

/** Recoveries of the incarnation of a node that was recovered last. @throws as above. */
async function recoveriesOfNode(pool: Pool, nodeId: string): Promise<string[]> {
  const db = database(pool);
  const [latest] = await withPostgresErrors(() =>
    db
      .select({ incarnation: recoveries.incarnation })
      .from(recoveries)
      .where(eq(recoveries.nodeId, nodeId))
      .orderBy(desc(recoveries.plannedAt))
      .limit(1),
  );
  if (latest === undefined) return [];
  return recoveriesOf(pool, { nodeId, incarnation: latest.incarnation });
}

/** The latest recovery of a call, by our call id or the SIP Call-ID of any of its legs. @throws as above. */
async function recoveriesOfCall(pool: Pool, callId: string): Promise<string[]> {
  const db = database(pool);
  const rows = await withPostgresErrors(() =>
    db
      .select({ id: recoveries.recoveryId })
      .from(recoveries)
      .where(isOfCall(pool, callId))
      .orderBy(desc(recoveries.plannedAt))
      .limit(1),
  );
  return rows.map((row) => row.id);
}
