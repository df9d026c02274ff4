import { connectPool, database, outbox, type Pool } from '@reinvite/db';
import { codedError, createLogger } from '@reinvite/runtime';
import { SOON, startBackends } from '@reinvite/test-support';
import { isNull } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventStore } from '../src/event-store.js';
import type { OutboxMessage } from '../src/event.js';
import { Outbox } from '../src/outbox.js';
import { postgresOutboxRows } from '../src/outbox-rows.js';
import { append, bulbCodec, type BulbEvent } from './events.js';

const log = createLogger('test', 'fatal');
const message = (id: string, subject = 'lamp'): OutboxMessage => ({ id, subject, message: { id } });

describe('the outbox', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let pool: Pool;
  let store: EventStore<BulbEvent>;
  let stream = 0;

  beforeAll(async () => {
    backends = await startBackends();
    pool = connectPool(backends.postgresUrl, { applicationName: 'reinvite-test', log });
    store = new EventStore({ pool, codec: bulbCodec });
  });
  beforeEach(() => database(pool).delete(outbox));
  afterAll(async () => {
    await pool.end();
    await backends.stop();
  });

  async function commit(...messages: OutboxMessage[]): Promise<readonly OutboxMessage[]> {
    const result = await store.append({ ...append(`o-${(stream += 1)}`, 0), outbox: messages });
    return result.outbox;
  }

  const pending = async (): Promise<string[]> =>
    (await database(pool).select().from(outbox).where(isNull(outbox.publishedAt))).map(
      (row) => row.messageId,
    );

  it('publishes at once what was just committed, and never again', async () => {
    const publish = vi.fn<(message: OutboxMessage) => Promise<void>>(async () => undefined);
    const relay = new Outbox({ pool, publish, log, graceMs: 0 });
    await relay.publishNow(await commit(message('1'), message('2')));
    expect(publish.mock.calls.map(([m]) => m)).toEqual([message('1'), message('2')]);
    expect(await relay.relayPending()).toBe(0);
    expect(publish).toHaveBeenCalledTimes(2);
  });

  it('relays what a crash left behind, in order', async () => {
    const sent: OutboxMessage[] = [];
    const ids = Array.from({ length: 1_100 }, (_, i) => `left-${i}`);
    await commit(...ids.map((id) => message(id)));
    const relay = new Outbox({ pool, publish: async (m) => sent.push(m), log, graceMs: 0 });
    expect(await relay.relayPending()).toBe(1_100);
    expect(sent.map((m) => m.id)).toEqual(ids);
    expect(await pending()).toEqual([]);
  });

  it('leaves the messages of other subjects to a relay that may publish them', async () => {
    const sent: string[] = [];
    await commit(message('lamp-1'), message('node-1', 'node.down.x'), message('lamp-2'));
    const rows = postgresOutboxRows(pool, 'node.');
    const relay = new Outbox({ pool: rows, publish: async (m) => sent.push(m.id), log, graceMs: 0 });
    expect(await relay.relayPending()).toBe(1);
    expect(sent).toEqual(['node-1']);
    expect(await pending()).toEqual(['lamp-1', 'lamp-2']);
  });

  it('leaves a fresh message to those who appended it', async () => {
    const relay = new Outbox({ pool, publish: async () => undefined, log, graceMs: 3_600_000 });
    await commit(message('fresh'));
    expect(await relay.relayPending()).toBe(0);
    expect(await pending()).toEqual(['fresh']);
  });

  it('holds up only the subject of a message that fails, and keeps its order', async () => {
    let broken = true;
    const sent: string[] = [];
    const publish = async ({ id }: OutboxMessage): Promise<void> => {
      if (broken && id === 'a1') throw new Error('NATS is away');
      sent.push(id);
    };
    const relay = new Outbox({ pool, publish, log, graceMs: 0 });
    await commit(message('a1', 'a'), message('b1', 'b'), message('a2', 'a'));
    expect(await relay.relayPending()).toBe(1);
    expect(sent).toEqual(['b1']);
    broken = false;
    expect(await relay.relayPending()).toBe(2);
    expect(sent).toEqual(['b1', 'a1', 'a2']);
  });

  it('leaves out what can never be published, with an error in the log, and goes on behind it', async () => {
    const sent: string[] = [];
    const publish = async ({ id }: OutboxMessage): Promise<void> => {
      if (id.startsWith('long')) throw codedError('MESSAGE_TOO_LARGE', 'longer than NATS takes');
      sent.push(id);
    };
    const said = vi.spyOn(log, 'error');
    const relay = new Outbox({ pool, publish, log, graceMs: 0 });
    await commit(message('long-1'), message('behind'));
    expect(await relay.relayPending()).toBe(2);
    await relay.publishNow(await commit(message('long-2')));
    expect(sent).toEqual(['behind']);
    expect(await pending()).toEqual([]);
    expect(said.mock.calls.map(([entry]) => entry)).toMatchObject([
      { id: 'long-1', err: { code: 'MESSAGE_TOO_LARGE' } },
      { id: 'long-2', err: { code: 'MESSAGE_TOO_LARGE' } },
    ]);
    said.mockRestore();
  });

  it('leaves to the relay what could not be published at once', async () => {
    let away = true;
    const publish = vi.fn(async () => {
      if (away) throw new Error('NATS is away');
    });
    const relay = new Outbox({ pool, publish, log, graceMs: 0, pollMs: 5 });
    await relay.publishNow(await commit(message('x')));
    expect(await pending()).toEqual(['x']);
    const stop = new AbortController();
    const running = relay.run(stop.signal);
    await vi.waitFor(() => expect(publish.mock.calls.length).toBeGreaterThan(2), SOON);
    away = false;
    await vi.waitFor(async () => expect(await pending()).toEqual([]), SOON);
    stop.abort();
    await running;
  });

  it('outlives a database that is away', async () => {
    const nowhere = connectPool('postgres://nobody@127.0.0.1:1/none', {
      applicationName: 'reinvite-test',
      log,
    });
    const publish = vi.fn(async () => undefined);
    const relay = new Outbox({ pool: nowhere, publish, log, pollMs: 1 });
    await relay.publishNow([message('y')]);
    expect(publish).toHaveBeenCalledOnce();
    await expect(relay.relayPending()).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
    await nowhere.end();
  });

  it('forgets what was published long ago', async () => {
    const relay = new Outbox({ pool, publish: async () => undefined, log, keepMs: 1, pollMs: 5 });
    await relay.publishNow(await commit(message('old')));
    const stop = new AbortController();
    const running = relay.run(stop.signal);
    await vi.waitFor(async () => expect(await database(pool).select().from(outbox)).toEqual([]), SOON);
    stop.abort();
    await running;
  });
});
