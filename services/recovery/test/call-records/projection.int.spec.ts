import { Bus, subjects } from '@reinvite/bus';
import { checkpoints, connectPool, database, deadlines, inTransaction, legs, type Pool } from '@reinvite/db';
import type { CallFact } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { startBackends } from '@reinvite/test-support';
import { eq, sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { foldFacts, type SequencedFact } from '../../src/call-records/fold.js';
import { projectCallFacts, type CallRecordProjection } from '../../src/call-records/projection.js';
import { pruneCallRecords } from '../../src/call-records/prune.js';
import { closeIncarnation, readLiveCalls } from '../../src/call-records/read.js';
import { writeChanges } from '../../src/call-records/write.js';
import { pruneDeadlines } from '../../src/recoveries/prune-deadlines.js';
import { bridge, bridgeGone, leg, legGone, sequenced, synced, syncing } from './facts.js';

const log = createLogger('test', 'silent');
const LONG_MS = 20_000;

interface Replica {
  readonly projection: CallRecordProjection;
  readonly pool: Pool;
  stop(): Promise<void>;
}

describe('the call records, on real Postgres and NATS', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let pool: Pool;
  let bus: Bus;
  let published: number;
  const replicas: Replica[] = [];
  const stop = new AbortController();

  beforeEach(async () => {
    backends = await startBackends();
    pool = connectPool(backends.postgresUrl, { applicationName: 'reinvite-test', log });
    bus = await Bus.connect({ servers: [backends.natsUrl], name: 'agent', log, signal: stop.signal });
    published = 0;
  });
  afterEach(async () => {
    await Promise.all(replicas.splice(0).map((replica) => replica.stop()));
    await bus.close();
    await pool.end();
    await backends.stop();
  });

  async function replica(): Promise<Replica> {
    const controller = new AbortController();
    const { signal } = controller;
    const own = connectPool(backends.postgresUrl, { applicationName: 'reinvite-replica', log });
    const ownBus = await Bus.connect({ servers: [backends.natsUrl], name: 'replica', log, signal });
    const projection = projectCallFacts({ bus: ownBus, pool: own, log, signal });
    const end = async (): Promise<void> => {
      controller.abort();
      await projection.done;
      await ownBus.close();
      await own.end();
    };
    let ended: Promise<void> | undefined;
    const started = { projection, pool: own, stop: () => (ended ??= end()) };
    replicas.push(started);
    return started;
  }

  /** @returns the sequence of the last one. */
  async function publish(...facts: CallFact[]): Promise<number> {
    const acks = await Promise.all(
      facts.map((fact) =>
        bus.publishDurable(subjects.callFact(fact.nodeId), fact, `fact-${(published += 1)}`),
      ),
    );
    return acks.at(-1)?.seq ?? 0;
  }

  const live = async (): Promise<{ legs: string[]; bridges: string[] }> => {
    const calls = await readLiveCalls(pool, 'ast1', '1000');
    return {
      legs: calls.legs.map((l) => l.channelId).sort(),
      bridges: calls.bridges.map((b) => b.bridgeId).sort(),
    };
  };

  it('give back every field of what was observed', async () => {
    const { projection } = await replica();
    const dialled = leg('b', 1_700_000_000_123, {
      dialedBy: 'a',
      stasisApp: null,
      caller: { name: 'Zoë "☎"', number: '' },
    });
    const joined = bridge('x', 1_700_000_000_456, ['a', 'b'], { bridgeClass: 'basic', name: 'two' });
    const seq = await publish(syncing(1), leg('a', 2), dialled, joined, synced(3));
    expect(await projection.waitUntilProjected(seq, LONG_MS)).toBe(true);
    const calls = await readLiveCalls(pool, 'ast1', '1000');
    expect(calls.legs).toHaveLength(2);
    expect(calls.legs).toEqual(expect.arrayContaining([leg('a', 2), dialled]));
    expect(calls.bridges).toEqual([joined]);
    expect(await readLiveCalls(pool, 'ast1', '2000')).toEqual({ legs: [], bridges: [] });
  });

  it('follow changes and ends over many batches', async () => {
    const { projection } = await replica();
    await publish(syncing(1), synced(2), leg('a', 3, { state: 'Ring' }));
    await projection.waitUntilProjected(3, LONG_MS);
    await projection.waitUntilProjected(
      await publish(leg('a', 4), leg('b', 4), bridge('x', 5, ['a', 'b'])),
      LONG_MS,
    );
    expect(await live()).toEqual({ legs: ['a', 'b'], bridges: ['x'] });
    await projection.waitUntilProjected(await publish(legGone('b', 6), bridgeGone('x', 7)), LONG_MS);
    expect(await live()).toEqual({ legs: ['a'], bridges: [] });
    const [row] = await database(pool).select().from(legs).where(eq(legs.channelId, 'b'));
    expect(row).toMatchObject({ goneAt: new Date(6), cause: 16, observedAt: new Date(4) });
  });

  it('take for gone what a resynchronization did not observe, over batches too', async () => {
    const { projection } = await replica();
    await projection.waitUntilProjected(
      await publish(syncing(1), leg('a', 2), leg('b', 2), bridge('x', 2, []), synced(3)),
      LONG_MS,
    );
    await projection.waitUntilProjected(await publish(syncing(10), leg('b', 11)), LONG_MS);
    expect(await live()).toEqual({ legs: ['a', 'b'], bridges: ['x'] });
    await projection.waitUntilProjected(await publish(leg('c', 12), synced(13)), LONG_MS);
    expect(await live()).toEqual({ legs: ['b', 'c'], bridges: [] });
  });

  it('are the same with several replicas, and each of them sees what the others wrote', async () => {
    await pool.query(`
      create table setbacks (position bigint);
      create function note() returns trigger language plpgsql as
        $$ begin insert into setbacks values (new.position); return new; end $$;
      create trigger forward before update on checkpoints for each row when (new.position < old.position) execute function note()`);
    const all = await Promise.all([replica(), replica(), replica()]);
    let seq = 0;
    for (let i = 0; i < 60; i += 1) {
      seq = await publish(leg(`c${i}`, i), ...(i % 3 === 0 ? [legGone(`c${i}`, i + 1)] : []));
    }
    expect(await Promise.all(all.map((r) => r.projection.waitUntilProjected(seq, LONG_MS)))).toEqual([
      true,
      true,
      true,
    ]);
    expect((await live()).legs).toHaveLength(40);
    expect((await pool.query('select * from setbacks')).rows).toEqual([]);
  });

  it('go on where they were after a restart, with what came meanwhile', async () => {
    const first = await replica();
    await first.projection.waitUntilProjected(await publish(leg('a', 1)), LONG_MS);
    await first.stop();
    const seq = await publish(leg('b', 2), legGone('a', 3));
    const second = await replica();
    expect(await second.projection.waitUntilProjected(seq, LONG_MS)).toBe(true);
    expect(await live()).toEqual({ legs: ['b'], bridges: [] });
  });

  it('say when a fact has not come in time', async () => {
    const { projection } = await replica();
    expect(await projection.waitUntilProjected(999, 10)).toBe(false);
  });

  it('lose nothing while every connection to Postgres is cut again and again', async () => {
    const { projection } = await replica();
    let seq = 0;
    for (let i = 0; i < 30; i += 1) {
      seq = await publish(leg(`c${i}`, i));
      if (i % 5 === 0) {
        await pool.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'reinvite-replica' and datname = current_database()",
        );
      }
    }
    expect(await projection.waitUntilProjected(seq, LONG_MS)).toBe(true);
    expect((await live()).legs).toHaveLength(30);
  });

  it('are built anew from an earlier checkpoint, as after a crash of Postgres that took the last commits', async () => {
    const { projection } = await replica();
    await projection.waitUntilProjected(await publish(leg('a', 1), leg('b', 2)), LONG_MS);
    await inTransaction(pool, async (tx) => {
      await tx.delete(legs);
      await tx.update(checkpoints).set({ position: 0 });
    });
    await projection.waitUntilProjected(await publish(leg('c', 3)), LONG_MS);
    await vi.waitFor(async () => expect((await live()).legs).toEqual(['a', 'b', 'c']), { timeout: LONG_MS });
  });

  it('never let an older fact overwrite a newer one, for which only a restored backup could be the cause', async () => {
    const write = (...facts: SequencedFact[]): Promise<void> =>
      inTransaction(pool, (tx) => writeChanges(tx, foldFacts(facts)));
    await write(
      ...sequenced(
        [leg('a', 7), legGone('b', 8), leg('b', 9), bridge('x', 7, ['a']), bridge('y', 7, [])],
        10,
      ),
    );
    await write(
      ...sequenced(
        [leg('a', 1, { state: 'Ring' }), legGone('b', 2), bridge('x', 3, []), bridgeGone('y', 4)],
        1,
      ),
    );
    const calls = await readLiveCalls(pool, 'ast1', '1000');
    expect(calls.legs).toEqual(expect.arrayContaining([leg('a', 7), leg('b', 9)]));
    expect(calls.bridges).toEqual(expect.arrayContaining([bridge('x', 7, ['a']), bridge('y', 7, [])]));
  });

  it('drop a fact that Postgres refuses, and only that one', async () => {
    const { projection } = await replica();
    const seq = await publish(
      leg('a', 1),
      legGone('a', 2, 2 ** 40),
      leg('b', 3),
      leg('nul', 4, { caller: { name: 'x\0y', number: '' } }),
    );
    expect(await projection.waitUntilProjected(seq, LONG_MS)).toBe(true);
    expect((await live()).legs).toEqual(['a', 'b', 'nul']);
  });

  it('go on with a stream that was lost and made anew, which counts from 1 again', async () => {
    const first = await replica();
    await first.projection.waitUntilProjected(
      await publish(syncing(1), leg('a', 2), leg('b', 3), synced(4)),
      LONG_MS,
    );
    await first.stop();
    await database(pool).update(checkpoints).set({ source: 'another life', position: 5_000 });
    await database(pool).update(legs).set({ factSeq: 5_000 });
    const second = await replica();
    const seq = await publish(syncing(5), leg('b', 6), synced(7));
    expect(await second.projection.waitUntilProjected(seq, LONG_MS)).toBe(true);
    expect(await readLiveCalls(pool, 'ast1', '1000')).toEqual({ legs: [leg('b', 6)], bridges: [] });
  });

  it('do not bring a leg back to life by what is told of it after its incarnation was closed', async () => {
    const { projection } = await replica();
    await projection.waitUntilProjected(await publish(leg('a', 1), bridge('x', 2, ['a'])), LONG_MS);
    await inTransaction(pool, (tx) => closeIncarnation(tx, 'ast1', '1000', Date.now()));
    const seq = await publish(
      leg('a', 3),
      leg('late', 4),
      bridge('x', 5, ['a', 'late']),
      bridge('new', 6, []),
    );
    expect(await projection.waitUntilProjected(seq, LONG_MS)).toBe(true);
    expect(await live()).toEqual({ legs: [], bridges: [] });
    expect(await database(pool).select().from(legs)).toHaveLength(2);
  });

  it('have nothing of what an agent tells of another node', async () => {
    const { projection } = await replica();
    await publish(leg('a', 1));
    const told = [syncing(2), synced(3)].map((fact, n) =>
      bus.publishDurable(subjects.callFact('ast2'), fact, `of-another-${n}`),
    );
    const last = Math.max(...(await Promise.all(told)).map(({ seq }) => seq));
    expect(await projection.waitUntilProjected(last, LONG_MS)).toBe(true);
    expect(await live()).toEqual({ legs: ['a'], bridges: [] });
  });

  it('close an incarnation that was acted on, and forget it a day later', async () => {
    const { projection } = await replica();
    await projection.waitUntilProjected(await publish(leg('a', 1), bridge('x', 2, ['a'])), LONG_MS);
    await inTransaction(pool, (tx) => closeIncarnation(tx, 'ast1', '1000', Date.now()));
    expect(await live()).toEqual({ legs: [], bridges: [] });
    await pruneCallRecords(pool);
    expect(await database(pool).select().from(legs)).toHaveLength(1);
    await database(pool).execute(sql`update node_incarnations set closed_at = closed_at - interval '2 days'`);
    await pruneCallRecords(pool);
    expect(await database(pool).select().from(legs)).toEqual([]);
  });

  it('and deadlines that are done with are forgotten a day later', async () => {
    const row = { recoveryId: 'r', kind: 'attempt', dueAt: new Date(0) };
    const dayAgo = new Date(Date.now() - 25 * 3_600_000);
    await database(pool)
      .insert(deadlines)
      .values([
        { ...row, id: 'to come' },
        { ...row, id: 'done just now', doneAt: new Date() },
        { ...row, id: 'done long ago', doneAt: dayAgo },
      ]);
    await pruneDeadlines(pool, '1 day');
    const left = await database(pool).select({ id: deadlines.id }).from(deadlines).orderBy(deadlines.id);
    expect(left.map(({ id }) => id)).toEqual(['done just now', 'to come']);
  });
});
