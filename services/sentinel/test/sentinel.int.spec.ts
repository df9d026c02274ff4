import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Bus, subjects } from '@reinvite/bus';
import { connectPool, type Pool } from '@reinvite/db';
import {
  fenceRequest,
  nodeDown,
  processGoneReply,
  type Heartbeat,
  type NodeDown,
  type ProcessGoneReply,
} from '@reinvite/domain';
import { createLogger, parseConfig } from '@reinvite/runtime';
import { CuttableProxy, SOON, startBackends } from '@reinvite/test-support';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { sentinel } from '../src/sentinel.js';

const log = createLogger('test', 'silent');

/** The agent of one node, at the level of its messages. */
class FakeAgent {
  private timer: NodeJS.Timeout | undefined;
  asterisk: Heartbeat['asterisk'] = 'up';

  constructor(
    private readonly bus: Bus,
    private readonly nodeId: string,
    readonly incarnation: string,
  ) {}

  beat(): this {
    this.timer = setInterval(() => this.publish(), 50);
    return this;
  }

  fallSilent(): void {
    clearInterval(this.timer);
  }

  tellGone(): Promise<ProcessGoneReply> {
    const gone = {
      type: 'ProcessGone',
      nodeId: this.nodeId,
      incarnation: this.incarnation,
      at: Date.now(),
      lastFactSeq: 5,
    };
    return this.bus.request(subjects.processGone(this.nodeId), gone, processGoneReply, 5_000);
  }

  private publish(): void {
    const beat: Heartbeat = {
      type: 'Heartbeat',
      nodeId: this.nodeId,
      incarnation: this.incarnation,
      at: Date.now(),
      intervalMs: 50,
      asterisk: this.asterisk,
      liveChannels: 0,
      recoveryModule: true,
    };
    this.bus.publish(subjects.heartbeat(this.nodeId), beat);
  }
}

describe('the sentinel, on a real Postgres and NATS', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let bus: Bus;
  let pool: Pool;
  const stopTest = new AbortController();
  const declared: NodeDown[] = [];
  let stopSentinel: (() => Promise<void>) | undefined;
  let agents: FakeAgent[] = [];

  const start = (
    nodeIds: readonly string[],
    more: object = {},
    urls: { nats?: string; postgres?: string; ari?: string } = {},
  ): void => {
    const stop = new AbortController();
    const ari = { url: urls.ari ?? 'http://127.0.0.1:1', username: 'unused', password: 'unused' };
    const config = parseConfig({
      nats: { servers: [urls.nats ?? backends.natsUrl] },
      postgres: { url: urls.postgres ?? backends.postgresUrl },
      nodes: nodeIds.map((id) => ({ id, sipAddresses: ['127.0.0.1'], ari })),
      sentinel: { suspectAfterMs: 400, fenceAfterMs: 200, fenceTimeoutMs: 2_000, ...more },
    });
    const running = sentinel({ config, log, signal: stop.signal });
    stopSentinel = async () => {
      stop.abort(new Error('stopped'));
      await running;
    };
  };
  const agent = (nodeId: string, incarnation: string): FakeAgent => {
    const fake = new FakeAgent(bus, nodeId, incarnation);
    agents.push(fake);
    return fake;
  };
  const recorded = async (nodeId: string): Promise<string[]> => {
    const { rows } = await pool.query<{ type: string; incarnation: string }>(
      `select type, data->>'incarnation' as incarnation from events where stream_id = $1 order by version`,
      [`node-${nodeId}`],
    );
    return rows.map(({ type, incarnation }) => `${type} ${incarnation}`);
  };

  beforeAll(async () => {
    backends = await startBackends();
    bus = await Bus.connect({ servers: [backends.natsUrl], name: 'test', log, signal: stopTest.signal });
    pool = connectPool(backends.postgresUrl, { applicationName: 'test', log });
    void bus.tail({
      stream: 'nodeEvents',
      schema: nodeDown,
      after: async () => 0,
      maxBatch: 10,
      handler: async (batch) => void declared.push(...batch.map(({ message }) => message)),
    });
  });
  afterEach(async () => {
    agents.forEach((fake) => fake.fallSilent());
    agents = [];
    await stopSentinel?.();
    stopSentinel = undefined;
  });
  afterAll(async () => {
    stopTest.abort();
    await bus.close();
    await pool.end();
    await backends.stop();
  });

  it('records and publishes a death at once on the agent’s word, and once only, also over a restart', async () => {
    start(['n1']);
    const fake = agent('n1', 'A').beat();
    await vi.waitFor(async () => expect(await recorded('n1')).toEqual(['NodeSeen A']), SOON);
    expect(await fake.tellGone()).toEqual({ recorded: true, reason: '' });
    expect(await recorded('n1')).toEqual(['NodeSeen A', 'NodeDown A']);
    await vi.waitFor(
      () => expect(declared).toMatchObject([{ nodeId: 'n1', evidence: 'process-gone', lastFactSeq: 5 }]),
      SOON,
    );
    expect((await fake.tellGone()).recorded).toBe(true);

    await stopSentinel?.();
    start(['n1']);
    await vi.waitFor(async () => expect((await fake.tellGone()).recorded).toBe(true), SOON);
    expect(await recorded('n1')).toEqual(['NodeSeen A', 'NodeDown A']);
    expect(declared).toHaveLength(1);
  });

  it('answers what is not a ProcessGone of that node, and goes on', async () => {
    start(['n2']);
    const ask = (message: unknown): Promise<ProcessGoneReply> =>
      bus.request(subjects.processGone('n2'), message, processGoneReply, 5_000);
    await vi.waitFor(async () => expect((await ask({ type: 'Nonsense' })).recorded).toBe(false), SOON);
    expect(
      (await ask({ type: 'ProcessGone', nodeId: 'n1', incarnation: 'Z', at: 1, lastFactSeq: null })).recorded,
    ).toBe(false);
    expect((await agent('n2', 'A').tellGone()).recorded).toBe(true);
  });

  it('lets the agent of an unresponsive node fence it', async () => {
    start(['n3']);
    const fake = agent('n3', 'A').beat();
    const asked: string[] = [];
    const unsubscribe = bus.respond(
      subjects.fence('n3'),
      fenceRequest,
      async ({ incarnation }) => {
        asked.push(incarnation);
        // A life that was declared down and goes on is asked for again.
        fake.asterisk = 'down';
        return { fenced: true, incarnation, reason: 'killed', lastFactSeq: 8 };
      },
      () => ({ fenced: false, incarnation: 'A', reason: 'not understood' }),
    );
    await vi.waitFor(async () => expect(await recorded('n3')).toEqual(['NodeSeen A']), SOON);
    fake.asterisk = 'unresponsive';
    await vi.waitFor(
      () => expect(declared.at(-1)).toMatchObject({ nodeId: 'n3', evidence: 'fenced', lastFactSeq: 8 }),
      SOON,
    );
    expect(asked).toEqual(['A']);
    expect(await recorded('n3')).toEqual(['NodeSeen A', 'NodeSuspected A', 'NodeFenced A', 'NodeDown A']);
    unsubscribe();
  });

  it('fences a silent node by the configured command', async () => {
    start(['n4'], { fenceCommand: [process.execPath, '-e', 'process.exit("{nodeId}" === "n4" ? 0 : 1)'] });
    const fake = agent('n4', 'A').beat();
    await vi.waitFor(async () => expect(await recorded('n4')).toEqual(['NodeSeen A']), SOON);
    fake.fallSilent();
    await vi.waitFor(() => expect(declared.at(-1)).toMatchObject({ nodeId: 'n4', evidence: 'fenced' }), SOON);
  });

  it('does not fence a node whose agent alone is silent, and does when its Asterisk falls silent too', async () => {
    const startedAt = '2026-01-31T12:00:00.000+0000';
    const incarnation = String(Date.parse('2026-01-31T12:00:00Z'));
    let asked = 0;
    const ari = createServer((_request, response) => {
      asked += 1;
      response.end(JSON.stringify({ status: { startup_time: startedAt } }));
    }).listen(0, '127.0.0.1');
    await once(ari, 'listening');
    const url = `http://127.0.0.1:${(ari.address() as AddressInfo).port}`;
    start(['n10'], { fenceCommand: [process.execPath, '-e', 'process.exit(0)'] }, { ari: url });
    const fake = agent('n10', incarnation).beat();
    await vi.waitFor(async () => expect(await recorded('n10')).toEqual([`NodeSeen ${incarnation}`]), SOON);
    expect(asked).toBe(0);
    fake.fallSilent();
    // Each answer puts the suspicion off by the time after which there would have been one.
    await vi.waitFor(() => expect(asked).toBeGreaterThan(5), SOON);
    expect(await recorded('n10')).toEqual([`NodeSeen ${incarnation}`]);
    ari.close();
    await vi.waitFor(
      () => expect(declared.at(-1)).toMatchObject({ nodeId: 'n10', incarnation, evidence: 'fenced' }),
      SOON,
    );
  });

  it('declares nobody down whose fence is not confirmed, and clears who comes back', async () => {
    start(['n5'], { fenceCommand: [process.execPath, '-e', 'process.exit(1)'] });
    const fake = agent('n5', 'A').beat();
    await vi.waitFor(async () => expect(await recorded('n5')).toEqual(['NodeSeen A']), SOON);
    fake.fallSilent();
    await vi.waitFor(async () => expect((await recorded('n5')).at(-1)).toBe('FenceFailed A'), SOON);
    fake.beat();
    await vi.waitFor(async () => expect((await recorded('n5')).at(-1)).toBe('NodeCleared A'), SOON);
    expect(await recorded('n5')).not.toContain('NodeDown A');
  });

  it('agrees with another sentinel on one death', async () => {
    start(['n6']);
    const first = stopSentinel;
    start(['n6']);
    const second = stopSentinel;
    const fake = agent('n6', 'A').beat();
    await vi.waitFor(async () => expect(await recorded('n6')).toEqual(['NodeSeen A']), SOON);
    await vi.waitFor(async () => expect((await fake.tellGone()).recorded).toBe(true), SOON);
    await first?.();
    await second?.();
    expect(await recorded('n6')).toEqual(['NodeSeen A', 'NodeDown A']);
    expect(declared.filter(({ nodeId }) => nodeId === 'n6')).toHaveLength(1);
  });

  it('keeps a death while Postgres is away, and records it when it is back', async () => {
    const postgres = await CuttableProxy.before(backends.postgresUrl);
    start(['n7'], {}, { postgres: postgres.url });
    const fake = agent('n7', 'A').beat();
    await vi.waitFor(async () => expect(await recorded('n7')).toEqual(['NodeSeen A']), SOON);
    postgres.cut();
    expect(await fake.tellGone()).toMatchObject({ recorded: false });
    postgres.mend();
    await vi.waitFor(async () => expect((await fake.tellGone()).recorded).toBe(true), SOON);
    await vi.waitFor(
      () => expect(declared.at(-1)).toMatchObject({ nodeId: 'n7', evidence: 'process-gone' }),
      SOON,
    );
    await stopSentinel?.();
    postgres.close();
  });

  it('suspects nobody while it cannot hear itself', async () => {
    const nats = await CuttableProxy.before(backends.natsUrl);
    start(['n8', 'n9'], {}, { nats: nats.url });
    const well = agent('n8', 'A').beat();
    const silent = agent('n9', 'B').beat();
    await vi.waitFor(async () => expect(await recorded('n8')).toEqual(['NodeSeen A']), SOON);
    await vi.waitFor(async () => expect(await recorded('n9')).toEqual(['NodeSeen B']), SOON);
    nats.cut();
    const cutAt = Date.now();
    await vi.waitFor(() => expect(Date.now() - cutAt).toBeGreaterThan(1_000), SOON);
    expect(await recorded('n8')).toEqual(['NodeSeen A']);
    silent.fallSilent();
    nats.mend();
    await vi.waitFor(async () => expect(await recorded('n9')).toContain('NodeSuspected B'), SOON);
    expect(await recorded('n8')).toEqual(['NodeSeen A']);
    expect((await well.tellGone()).recorded).toBe(true);
    await stopSentinel?.();
    nats.close();
  });
});
