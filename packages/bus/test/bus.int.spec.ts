import { nodeDown, processGone, type NodeDown } from '@reinvite/domain';
import { codedError, createLogger, type CodedError } from '@reinvite/runtime';
import { connect } from '@nats-io/transport-node';
import { CuttableProxy, startBackends } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { Bus } from '../src/bus.js';
import { subjects } from '../src/subjects.js';

const log = createLogger('test', 'fatal');
const down = (at: number): NodeDown => ({
  type: 'NodeDown',
  nodeId: 'ast1',
  incarnation: '1',
  at,
  evidence: 'process-gone',
  lastFactSeq: null,
});

describe('the bus, on a real NATS', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let bus: Bus;
  const stop = new AbortController();

  beforeAll(async () => {
    backends = await startBackends();
    bus = await Bus.connect({ servers: [backends.natsUrl], name: 'test', log, signal: stop.signal });
  });
  afterAll(async () => {
    stop.abort();
    await bus.close();
    await backends.stop();
  });

  it('stores a message once, however often it is published', async () => {
    const first = await bus.publishDurable(subjects.nodeDown('ast1'), down(1), 'same-id');
    const again = await bus.publishDurable(subjects.nodeDown('ast1'), down(1), 'same-id');
    expect(again).toEqual({ seq: first.seq, duplicate: true });
  });

  it('stores what must stay in its order in the order in which it was sent, also what is sent while NATS is away', async () => {
    const proxy = await CuttableProxy.before(backends.natsUrl);
    const own = await Bus.connect({ servers: [proxy.url], name: 'test', log, signal: stop.signal });
    try {
      const sent: Promise<number | undefined>[] = [];
      let last: number | undefined;
      const send = async (): Promise<void> => {
        const id = `step-${sent.length}`;
        const storing = own.publishInOrder(subjects.callFact('ast7'), { id }, id).then(
          ({ seq }) => (last = seq),
          () => undefined,
        );
        sent.push(storing);
        await new Promise((resolve) => setTimeout(resolve, 5));
      };
      while (sent.length < 50) await send();
      proxy.cut();
      while (sent.length < 100) await send();
      proxy.mend();
      last = undefined;
      while (last === undefined) await send();
      const stored = (await Promise.all(sent)).filter((seq) => seq !== undefined);
      expect(stored).toEqual([...stored].sort((a, b) => a - b));
    } finally {
      await own.close();
      proxy.close();
    }
  });

  it('says of what no server takes that it need not be tried again', async () => {
    const long = { id: 'x'.repeat(1_048_576) };
    await expect(bus.publishInOrder(subjects.callFact('ast8'), long, 'too-long')).rejects.toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
    });
    await bus.publishInOrder(subjects.callFact('ast8'), { id: 'x' }, 'short');
  });

  it('hands a message to one of those who share a durable name, and again after a failure', async () => {
    const seen: number[] = [];
    let failed = false;
    const consume = (): Promise<void> =>
      bus.consume({
        stream: 'nodeEvents',
        durable: 'shared',
        schema: nodeDown,
        maxInFlight: 4,
        ackWaitMs: 5_000,
        handler: async (message) => {
          if (message.at === 3 && !failed) {
            failed = true;
            throw new Error('not now');
          }
          seen.push(message.at);
        },
      });
    void consume();
    void consume();
    for (const at of [2, 3, 4])
      await bus.publishDurable(subjects.nodeDown('ast1'), down(at), `message-${at}`);
    await vi.waitFor(() => expect([...seen].sort()).toEqual([1, 2, 3, 4]), { timeout: 15_000 });
    expect(failed).toBe(true);
  });

  it('takes over what a release with other settings had set up', async () => {
    const of = async (ackWaitMs: number): Promise<number[]> => {
      const stopReading = new AbortController();
      const own = await Bus.connect({
        servers: [backends.natsUrl],
        name: 'test',
        log,
        signal: stopReading.signal,
      });
      const seen: number[] = [];
      const reading = own.consume({
        stream: 'nodeEvents',
        durable: 'upgraded',
        schema: nodeDown,
        maxInFlight: 4,
        ackWaitMs,
        handler: async (message) => void seen.push(message.at),
      });
      await bus.publishDurable(subjects.nodeDown('ast9'), down(ackWaitMs), `upgraded-${ackWaitMs}`);
      await vi.waitFor(() => expect(seen).toContain(ackWaitMs), { timeout: 15_000 });
      stopReading.abort();
      await reading;
      await own.close();
      return seen;
    };
    await of(5_000);
    expect(await of(1_500)).toEqual([1_500]);
  });

  it('tails a stream in order from a checkpoint, leaving out what does not fit the schema', async () => {
    const { seq } = await bus.publishDurable(subjects.nodeDown('ast2'), { type: 'Nonsense' }, 'nonsense');
    await bus.publishDurable(subjects.nodeDown('ast2'), down(11), 'after-nonsense');
    const read: number[] = [];
    let upTo = 0;
    void bus.tail({
      stream: 'nodeEvents',
      filter: subjects.nodeDown('ast2'),
      schema: nodeDown,
      after: async () => seq - 1,
      maxBatch: 100,
      handler: async (batch, last) => {
        read.push(...batch.map(({ message }) => message.at));
        upTo = last;
      },
    });
    await vi.waitFor(() => expect(upTo).toBe(seq + 1), { timeout: 15_000 });
    expect(read).toEqual([11]);
  });

  it('answers a request that does not fit with the reason, and goes on', async () => {
    const reply = z.object({ ok: z.boolean() });
    const unsubscribe = bus.respond(
      subjects.processGone('*'),
      processGone,
      async () => ({ ok: true }),
      () => ({ ok: false }),
    );
    const gone = { type: 'ProcessGone', nodeId: 'ast1', incarnation: '1', at: 1, lastFactSeq: null };
    await expect(bus.request(subjects.processGone('ast1'), { no: 1 }, reply, 5_000)).resolves.toEqual({
      ok: false,
    });
    await expect(bus.request(subjects.processGone('ast1'), gone, reply, 5_000)).resolves.toEqual({
      ok: true,
    });
    unsubscribe();
  });

  it('drops what asks for its answer anywhere but at an inbox, and handles what asks for none', async () => {
    const handled: string[] = [];
    const unsubscribe = bus.respond(
      subjects.processGone('*'),
      processGone,
      async ({ nodeId }) => ({ count: handled.push(nodeId) }),
      () => ({}),
    );
    const client = await connect({ servers: [backends.natsUrl] });
    const gone = { type: 'ProcessGone', nodeId: 'ast1', incarnation: '1', at: 1, lastFactSeq: null };
    const before = await bus.streamState('restoreCommands');
    for (const reply of [subjects.restoreCommand('ast1'), '_INBOXES.x'])
      client.publish(subjects.processGone('ast1'), JSON.stringify(gone), { reply });
    client.publish(subjects.processGone('ast3'), JSON.stringify({ ...gone, nodeId: 'ast3' }));
    await client.flush();
    await bus.request(subjects.processGone('ast2'), { ...gone, nodeId: 'ast2' }, z.unknown(), 5_000);
    expect(handled.sort()).toEqual(['ast2', 'ast3']);
    expect(await bus.streamState('restoreCommands')).toEqual(before);
    unsubscribe();
    await client.close();
  });

  it('drops what tells of another node than its subject', async () => {
    const subjectOf = ({ nodeId }: NodeDown): string => subjects.nodeDown(nodeId);
    const consumed: string[] = [];
    const tailed: string[] = [];
    const heard: string[] = [];
    const { seq } = await bus.publishDurable(subjects.nodeDown('ast4'), down(41), 'of-another');
    void bus.tail({
      ...{ stream: 'nodeEvents', filter: subjects.nodeDown('ast4'), schema: nodeDown, subjectOf },
      ...{ after: async () => seq - 1, maxBatch: 100 },
      handler: async (batch) => void tailed.push(...batch.map(({ message }) => message.nodeId)),
    });
    void bus.consume({
      ...{ stream: 'nodeEvents', durable: 'strict', filter: subjects.nodeDown('ast4'), schema: nodeDown },
      ...{ subjectOf, maxInFlight: 4, ackWaitMs: 5_000 },
      handler: async ({ nodeId }) => void consumed.push(nodeId),
    });
    await bus.publishDurable(subjects.nodeDown('ast4'), { ...down(42), nodeId: 'ast4' }, 'of-its-own');
    const unsubscribe = bus.subscribe(
      subjects.processGone('*'),
      nodeDown,
      ({ nodeId }) => void heard.push(nodeId),
      ({ nodeId }) => subjects.processGone(nodeId),
    );
    bus.publish(subjects.processGone('ast4'), down(43));
    bus.publish(subjects.processGone('ast4'), { ...down(44), nodeId: 'ast4' });
    await vi.waitFor(
      () =>
        expect({ consumed, tailed, heard }).toEqual({
          consumed: ['ast4'],
          tailed: ['ast4'],
          heard: ['ast4'],
        }),
      { timeout: 15_000 },
    );
    unsubscribe();
  });

  it('says that a message is longer than NATS will ever take', async () => {
    const long = { ...down(51), incarnation: 'x'.repeat(2_000_000) };
    for (const publish of ['publishDurable', 'publishInOrder'] as const)
      await expect(bus[publish](subjects.nodeDown('ast5'), long, `long-${publish}`)).rejects.toMatchObject({
        code: 'MESSAGE_TOO_LARGE',
      });
  });

  it('reads a stream on after its handler failed, and says that it was the handler', async () => {
    const { seq } = await bus.publishDurable(subjects.nodeDown('ast3'), down(21), 'not-handled');
    const said = vi.spyOn(log, 'warn');
    const failures = [
      codedError('POSTGRES_QUERY_FAILED', 'refused'),
      new TypeError('a fault of the handler'),
    ] as Error[];
    const read: number[] = [];
    void bus.tail({
      stream: 'nodeEvents',
      filter: subjects.nodeDown('ast3'),
      schema: nodeDown,
      after: async () => seq - 1,
      maxBatch: 100,
      handler: async (batch) => {
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        read.push(...batch.map(({ message }) => message.at));
      },
    });
    await vi.waitFor(() => expect(read).toEqual([21]), { timeout: 15_000 });
    const codes = said.mock.calls.map(([entry]) => (entry as { err?: CodedError }).err?.code);
    said.mockRestore();
    expect(codes).toEqual(['STREAM_NOT_HANDLED', 'STREAM_NOT_HANDLED']);
  });

  it('asks many, and an answer that does not fit takes the place of none', async () => {
    const reply = z.object({ ok: z.literal(true) });
    const answerWith = (ok: boolean): (() => void) =>
      bus.respond(
        'reinvite.test.many',
        z.unknown(),
        async () => ({ ok }),
        () => ({}),
      );
    const ends = [answerWith(false), answerWith(true), answerWith(true)];
    expect(await bus.requestMany('reinvite.test.many', {}, reply, 2, 5_000)).toEqual([
      { ok: true },
      { ok: true },
    ]);
    ends.forEach((end) => end());
  });

  it('says that nobody answered', async () => {
    await expect(bus.request(subjects.fence('nobody'), {}, z.unknown(), 500)).rejects.toThrow(
      /REQUEST_TIMEOUT/,
    );
  });
});
