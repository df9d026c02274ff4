import { connectPool, database, events, inTransaction, outbox, type Pool } from '@reinvite/db';
import { createLogger } from '@reinvite/runtime';
import { startBackends } from '@reinvite/test-support';
import { asc, eq, inArray, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCursor, saveCursor } from '../src/checkpoint.js';
import { EventStore } from '../src/event-store.js';
import { BEGINNING, type StoredEvent } from '../src/event.js';
import { append, bulbCodec, bulbTypes, off, on, type BulbEvent } from './events.js';

const log = createLogger('test', 'fatal');

describe('the event store', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let pool: Pool;
  let store: EventStore<BulbEvent>;

  beforeAll(async () => {
    backends = await startBackends();
    pool = connectPool(backends.postgresUrl, { applicationName: 'reinvite-test', log, size: 12 });
    store = new EventStore({ pool, codec: bulbCodec });
  });
  afterAll(async () => {
    await pool.end();
    await backends.stop();
  });

  const types = async (stream: string): Promise<string[]> =>
    (await store.readStream(stream)).map((e) => e.event.type);

  it('appends to many streams at once and reads them back in order', async () => {
    const results = await store.appendBatch([append('b-1', 0, on(), off()), append('b-2', 0, on('you'))]);
    expect(results).toMatchObject([
      { streamId: 'b-1', status: 'appended', version: 2 },
      { streamId: 'b-2', status: 'appended', version: 1 },
    ]);
    const read = await store.readStreams(['b-1', 'b-2', 'b-none']);
    expect([...read.keys()].sort()).toEqual(['b-1', 'b-2']);
    expect(read.get('b-1')?.map((e) => [e.version, e.event.type])).toEqual([
      [1, 'SwitchedOn'],
      [2, 'SwitchedOff'],
    ]);
    expect(read.get('b-2')?.[0]).toMatchObject({
      streamId: 'b-2',
      version: 1,
      event: { type: 'SwitchedOn', by: 'you', at: 1 },
    });
    expect(await store.readStream('b-none')).toEqual([]);
  });

  it('leaves out a stream in conflict, with its messages, and appends the others', async () => {
    await store.append(append('c-1', 0));
    const results = await store.appendBatch([
      { ...append('c-1', 0, off()), outbox: [{ id: 'c-lost', subject: 's', message: {} }] },
      { ...append('c-2', 0, on()), outbox: [{ id: 'c-sent', subject: 's', message: { n: 1 } }] },
      append('c-3', 7, on()),
    ]);
    expect(results).toEqual([
      { streamId: 'c-1', status: 'conflict', version: 1, outbox: [] },
      {
        streamId: 'c-2',
        status: 'appended',
        version: 1,
        outbox: [{ id: 'c-sent', subject: 's', message: { n: 1 } }],
      },
      { streamId: 'c-3', status: 'conflict', version: 0, outbox: [] },
    ]);
    const sent = await database(pool).select().from(outbox).where(eq(outbox.subject, 's'));
    expect(sent.map((m) => m.messageId)).toEqual(['c-sent']);
    await expect(store.append(append('c-1', 0))).rejects.toMatchObject({
      code: 'STREAM_VERSION_CONFLICT',
      details: { version: 1 },
    });
  });

  it('changes nothing when the same append is tried again, and says so', async () => {
    const first = { ...append('r-1', 0, on(), off()), outbox: [{ id: 'r-msg', subject: 'r', message: {} }] };
    await store.append(first);
    const again = await store.append(first);
    expect(again).toEqual({ streamId: 'r-1', status: 'repeated', version: 2, outbox: first.outbox });
    await store.append(append('r-1', 2));
    expect(await store.append(first)).toMatchObject({ status: 'repeated', version: 3 });
    expect(await types('r-1')).toEqual(['SwitchedOn', 'SwitchedOff', 'SwitchedOn']);
    expect(await database(pool).select().from(outbox).where(eq(outbox.subject, 'r'))).toHaveLength(1);
  });

  it('lets exactly one of many writers append each version', async () => {
    const batches = Array.from({ length: 10 }, () =>
      ['k-1', 'k-2', 'k-3'].map((s) => append(s, 0, on(), off())),
    );
    const shuffled = batches.map((batch, i) => (i % 2 === 0 ? batch : batch.toReversed()));
    const results = (await Promise.all(shuffled.map((batch) => store.appendBatch(batch)))).flat();
    for (const stream of ['k-1', 'k-2', 'k-3']) {
      const statuses = results.filter((r) => r.streamId === stream).map((r) => r.status);
      expect(statuses.filter((s) => s === 'appended')).toHaveLength(1);
      expect(statuses.filter((s) => s === 'conflict')).toHaveLength(9);
      expect(await types(stream)).toEqual(['SwitchedOn', 'SwitchedOff']);
    }
  });

  it('lets exactly one of many writers go on with existing streams, without deadlocks', async () => {
    await store.appendBatch([append('x-1', 0), append('x-2', 0), append('x-3', 0)]);
    for (let version = 1; version <= 5; version += 1) {
      const batches = Array.from({ length: 8 }, (_, i) => {
        const batch = ['x-1', 'x-2', 'x-3'].map((s) => append(s, version));
        return i % 2 === 0 ? batch : batch.toReversed();
      });
      const results = (await Promise.all(batches.map((batch) => store.appendBatch(batch)))).flat();
      expect(results.filter((r) => r.status === 'appended')).toHaveLength(3);
    }
    expect(await types('x-2')).toHaveLength(6);
  });

  it('writes what belongs to the events in the same transaction, for the streams that went in', async () => {
    await store.append(append('w-1', 0));
    const seen: string[][] = [];
    await store.appendBatch([append('w-1', 0), append('w-2', 0)], async (_tx, appended) => {
      seen.push([...appended]);
    });
    expect(seen).toEqual([['w-2']]);
    await store.appendBatch([append('w-1', 0)], async () => {
      throw new Error('must not be called');
    });
    const failure = new Error('read side');
    await expect(
      store.appendBatch([append('w-3', 0)], async () => {
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(await store.readStream('w-3')).toEqual([]);
  });

  it('refuses a batch that names a stream twice', async () => {
    await expect(store.appendBatch([append('d-1', 0), append('d-1', 1)])).rejects.toBeInstanceOf(RangeError);
    expect(await store.appendBatch([])).toEqual([]);
  });

  it('stores what a peer may have put into a text', async () => {
    await store.append(append('t-1', 0, on("Robert'); drop table events; --\0\ud800")));
    const [stored] = await store.readStream('t-1');
    expect(stored?.event).toMatchObject({ by: "Robert'); drop table events; --\uFFFD\uFFFD" });
  });

  it('appends two hundred streams in one go', async () => {
    const batch = Array.from({ length: 200 }, (_, i) => append(`many-${i}`, 0, on(), off()));
    const results = await store.appendBatch(batch);
    expect(results.map((r) => [r.streamId, r.status])).toEqual(batch.map((a) => [a.streamId, 'appended']));
  });

  it('says that it does not know an event of a newer release', async () => {
    await store.append(append('n-1', 0));
    await database(pool).update(events).set({ schemaVersion: 99 }).where(eq(events.streamId, 'n-1'));
    await expect(store.readStream('n-1')).rejects.toMatchObject({ code: 'EVENT_UNKNOWN' });
    await database(pool).delete(events).where(eq(events.streamId, 'n-1'));
  });

  it('never skips an event that commits late, whatever its position', async () => {
    const early = append('late-early', 0);
    const late = append('late-late', 0);
    let read: StoredEvent<BulbEvent>[] = [];
    let cursor = BEGINNING;
    const readOn = async (): Promise<string[]> => {
      const next = await store.readAll(bulbTypes, cursor, 10_000);
      cursor = next.cursor;
      read = [...read, ...next.events];
      return next.events.map((e) => e.streamId);
    };
    await readOn();
    await store.appendBatch([late], async () => {
      await store.appendBatch([early]);
      expect(await readOn()).toEqual([]);
    });
    expect((await readOn()).sort()).toEqual(['late-early', 'late-late']);
    const all = await database(pool)
      .select({ id: events.eventId })
      .from(events)
      .where(inArray(events.type, [...bulbTypes]))
      .orderBy(asc(events.position));
    expect(read.map((e) => e.id).sort()).toEqual(all.map((e) => e.id).sort());
  });

  it('reads everything exactly once while many write', async () => {
    const start = (await store.readAll(bulbTypes, BEGINNING, 1_000_000)).cursor;
    const seen: string[] = [];
    const writers = Promise.all(
      Array.from({ length: 6 }, async (_, w) => {
        for (let i = 0; i < 20; i += 1) {
          await store.appendBatch([append(`all-${w}-${i}`, 0, on(), off())], async (tx) => {
            await tx.execute(sql`select pg_sleep(random() * 0.004)`);
          });
        }
      }),
    );
    let cursor = start;
    const readOn = async (): Promise<void> => {
      const next = await store.readAll(bulbTypes, cursor, 7);
      cursor = next.cursor;
      seen.push(...next.events.map((e) => `${e.streamId}#${e.version}`));
    };
    let writing = true;
    void writers.finally(() => (writing = false));
    while (writing) await readOn();
    await writers;
    while (seen.length < 240) await readOn();
    expect(new Set(seen).size).toBe(240);
    expect(seen).toHaveLength(240);
  });

  it('keeps the cursor of a reader', async () => {
    expect(await loadCursor(pool, 'reader')).toEqual(BEGINNING);
    const { cursor } = await store.readAll(bulbTypes, BEGINNING, 3);
    await inTransaction(pool, (tx) => saveCursor(tx, 'reader', BEGINNING));
    await inTransaction(pool, (tx) => saveCursor(tx, 'reader', cursor));
    expect(await loadCursor(pool, 'reader')).toEqual(cursor);
  });

  it('is safe to try again when the connection is cut in the middle', async () => {
    const batch = [append('cut-1', 0)];
    const cut = store.appendBatch(batch, async (tx) => {
      await tx.execute(sql`select pg_terminate_backend(pg_backend_pid())`);
    });
    await expect(cut).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE', class: 'retryable' });
    expect(await store.appendBatch(batch)).toMatchObject([{ status: 'appended', version: 1 }]);
  });
});
