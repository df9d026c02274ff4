import { createLogger } from '@reinvite/runtime';
import { startBackends } from '@reinvite/test-support';
import { asc, eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectPool, database, type Database, type Pool } from '../src/pool.js';
import { insertRows, upsertRows } from '../src/rows.js';
import { bridges, checkpoints, deadlines, recoveryLegs } from '../src/schema/index.js';

const log = createLogger('test', 'fatal');

describe('writing many rows at once', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let pool: Pool;
  let db: Database;

  beforeAll(async () => {
    backends = await startBackends();
    pool = connectPool(backends.postgresUrl, { applicationName: 'reinvite-test', log });
    db = database(pool);
  });
  afterAll(async () => {
    await pool.end();
    await backends.stop();
  });

  it('inserts what drizzle reads back: times, JSON, arrays, nulls, defaults', async () => {
    const dueAt = new Date(1_700_000_000_123);
    const deadline = {
      id: 'd1',
      recoveryId: 'r',
      kind: 'k',
      payload: { a: ["'", '"', '\\', { b: null }] },
      dueAt,
    };
    await insertRows(db, deadlines, [deadline, { ...deadline, id: 'd2', doneAt: dueAt }]);
    expect(await db.select().from(deadlines).orderBy(asc(deadlines.id))).toEqual([
      { ...deadline, doneAt: null },
      { ...deadline, id: 'd2', doneAt: dueAt },
    ]);
    const bridge = {
      nodeId: 'n',
      incarnation: 'i',
      bridgeId: 'b',
      bridgeType: '',
      bridgeClass: '',
      creator: '',
      name: '{"x",y}',
    };
    const observed = { ...bridge, channelIds: ['a,b', '"c"'], observedAt: dueAt, factSeq: 2 ** 40 };
    await insertRows(db, bridges, [observed]);
    expect(await db.select().from(bridges)).toEqual([{ ...observed, activity: null, goneAt: null }]);
    await insertRows(db, checkpoints, [{ name: 'c' }]);
    expect(await db.select().from(checkpoints)).toMatchObject([
      { name: 'c', position: 0, transactionId: '0' },
    ]);
  });

  it('leaves alone, or overwrites, what is there under the same key', async () => {
    const leg = {
      recoveryId: 'r',
      legId: 'l',
      attempt: 1,
      callId: 'c',
      endpoint: 'e',
      sipCallId: 's',
      plannedAt: new Date(1),
    };
    await insertRows(db, recoveryLegs, [leg]);
    await insertRows(db, recoveryLegs, [{ ...leg, endpoint: 'other' }]);
    expect(await db.select().from(recoveryLegs)).toMatchObject([{ endpoint: 'e', outcome: null }]);
    await upsertRows(db, recoveryLegs, [
      { ...leg, outcome: 'recovered', answeredAt: new Date(2) },
      { ...leg, attempt: 2, outcome: 'failed' },
    ]);
    const rows = await db
      .select()
      .from(recoveryLegs)
      .where(eq(recoveryLegs.recoveryId, 'r'))
      .orderBy(asc(recoveryLegs.attempt));
    expect(rows).toMatchObject([
      { attempt: 1, outcome: 'recovered', answeredAt: new Date(2) },
      { attempt: 2, outcome: 'failed', answeredAt: null },
    ]);
  });

  it('overwrites only where a condition holds', async () => {
    const row = { name: 'newest', position: 5 };
    const newer = sql`${checkpoints.position} < excluded.position`;
    await upsertRows(db, checkpoints, [row], newer);
    await upsertRows(db, checkpoints, [{ ...row, position: 4 }], newer);
    const read = (): Promise<unknown> => db.select().from(checkpoints).where(eq(checkpoints.name, 'newest'));
    expect(await read()).toMatchObject([{ position: 5 }]);
    await upsertRows(db, checkpoints, [{ ...row, position: 6 }], newer);
    expect(await read()).toMatchObject([{ position: 6 }]);
  });

  it('takes an empty list for nothing to do', async () => {
    await insertRows(db, deadlines, []);
    await upsertRows(db, deadlines, []);
  });
});
