import { Bus, subjects } from '@reinvite/bus';
import { connectPool, type Pool } from '@reinvite/db';
import {
  declareDownReply,
  leaseReply,
  sentinelStatus,
  type DeclareDownReply,
  type Heartbeat,
  type LeaseReply,
} from '@reinvite/domain';
import { createLogger, parseConfig } from '@reinvite/runtime';
import { CuttableProxy, eventually, startBackends } from '@reinvite/test-support';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sentinel } from '../src/sentinel.js';

const log = createLogger('test', 'silent');
/** A command that confirms every fence. */
const CONFIRMS = [process.execPath, '-e', 'process.exit(0)'];
/** Several times as long as it takes from the last heartbeat to the fence. */
const LONG_ENOUGH_MS = 4_000;

describe('several sentinels, on a real Postgres and NATS', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let bus: Bus;
  let pool: Pool;
  const stopTest = new AbortController();
  let stops: (() => Promise<void> | void)[] = [];

  const start = (nodeId: string, sentinelId: string, sentinels: number, more: object = {}, nats?: string) => {
    const stop = new AbortController();
    const ari = { url: 'http://127.0.0.1:1', username: 'unused', password: 'unused' };
    const config = parseConfig({
      nats: { servers: [nats ?? backends.natsUrl] },
      postgres: { url: backends.postgresUrl },
      nodes: [{ id: nodeId, sipAddresses: ['127.0.0.1'], ari }],
      sentinel: {
        sentinelId,
        sentinels,
        suspectAfterMs: 400,
        suspectWithinMs: 600,
        fenceAfterMs: 200,
        ...more,
      },
    });
    const running = sentinel({ config, log, signal: stop.signal });
    const end = async (): Promise<void> => {
      stop.abort(new Error('stopped'));
      await running;
    };
    stops.push(end);
    return end;
  };
  /** A node's heartbeats, until they are stopped. */
  const beat = (nodeId: string): (() => void) => {
    const message: Heartbeat = {
      ...{ type: 'Heartbeat', nodeId, incarnation: 'A', at: 0, intervalMs: 50 },
      ...{ asterisk: 'up', liveChannels: 0, recoveryModule: true },
    };
    const timer = setInterval(() => bus.publish(subjects.heartbeat(nodeId), message), 50);
    stops.push(() => clearInterval(timer));
    return () => clearInterval(timer);
  };
  const recorded = async (nodeId: string) => {
    const { rows } = await pool.query<{ type: string; data: Record<string, unknown> }>(
      'select type, data from events where stream_id = $1 order by version',
      [`node-${nodeId}`],
    );
    return rows;
  };
  const hasRecorded = (nodeId: string, type: string) =>
    eventually(`${type} of ${nodeId}`, async () => (await recorded(nodeId)).find((row) => row.type === type));
  const heardBy = (nodeId: string, sentinels: number) =>
    eventually('the sentinels to be there', async () => {
      const ask = { type: 'AskSentinelStatus' };
      const said = await bus.requestMany(subjects.sentinelStatus, ask, sentinelStatus, sentinels, 500);
      const standing = said.filter(({ nodes }) =>
        nodes.some((one) => one.nodeId === nodeId && one.standing === 'trusted'),
      );
      return standing.length === sentinels ? said : undefined;
    });

  beforeAll(async () => {
    backends = await startBackends();
    bus = await Bus.connect({ servers: [backends.natsUrl], name: 'test', log, signal: stopTest.signal });
    pool = connectPool(backends.postgresUrl, { applicationName: 'test', log });
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
    stops = [];
  });
  afterAll(async () => {
    stopTest.abort();
    await bus.close();
    await pool.end();
    await backends.stop();
  });

  it('declare a silent node down when a majority suspects it, and say who agreed', async () => {
    for (const name of ['s1', 's2', 's3']) start('v1', name, 3, { fenceCommand: CONFIRMS });
    const silence = beat('v1');
    expect((await heardBy('v1', 3)).map(({ alone }) => alone)).toEqual([false, false, false]);
    silence();
    const fenced = await hasRecorded('v1', 'NodeFenced');
    expect((fenced.data.agreedBy as string[]).length).toBeGreaterThanOrEqual(2);
    await hasRecorded('v1', 'NodeDown');
    expect((await recorded('v1')).filter(({ type }) => type === 'NodeDown')).toHaveLength(1);
  });

  it('of which one alone is left declare nobody down, and do when a second one is back', async () => {
    start('v2', 's1', 3, { fenceCommand: CONFIRMS });
    const silence = beat('v2');
    await heardBy('v2', 1);
    silence();
    await hasRecorded('v2', 'NodeSuspected');
    const since = performance.now();
    await eventually('time enough for a fence', () => performance.now() - since > LONG_ENOUGH_MS);
    expect((await recorded('v2')).map(({ type }) => type)).toEqual(['NodeSeen', 'NodeSuspected']);
    start('v2', 's2', 3, { fenceCommand: CONFIRMS });
    await hasRecorded('v2', 'NodeDown');
  });

  it('leave a node alone that only a cut-off one of them has lost', async () => {
    const nats = await CuttableProxy.before(backends.natsUrl);
    start('v3', 's1', 3, { fenceCommand: CONFIRMS }, nats.url);
    for (const name of ['s2', 's3']) start('v3', name, 3, { fenceCommand: CONFIRMS });
    beat('v3');
    await heardBy('v3', 3);
    nats.cut();
    const since = performance.now();
    await eventually('time enough for a fence', () => performance.now() - since > LONG_ENOUGH_MS);
    expect((await recorded('v3')).map(({ type }) => type)).toEqual(['NodeSeen']);
    nats.mend();
    for (const stop of stops.splice(0)) await stop();
    nats.close();
  });

  it('take a node for dead whose lease has run out, without a fence from outside', async () => {
    for (const name of ['s1', 's2', 's3']) start('v4', name, 3, { fenceTimeoutMs: 200 });
    const silence = beat('v4');
    await heardBy('v4', 3);
    const request = { type: 'LeaseRequest', nodeId: 'v4', incarnation: 'A', leaseMs: 1_000 };
    const ask = (): Promise<LeaseReply[]> =>
      bus.requestMany(subjects.lease('v4'), request, leaseReply, 3, 5_000);
    expect((await ask()).map(({ status }) => status)).toEqual(['granted', 'granted', 'granted']);
    silence();
    expect((await hasRecorded('v4', 'NodeDown')).data).toMatchObject({ evidence: 'lease-expired' });
    expect((await hasRecorded('v4', 'NodeFenced')).data).toMatchObject({ by: 'lease' });
    const again = await ask();
    // Who has recorded the death refuses; who has only said that the lease is over grants none.
    expect(
      again.filter(({ status }) => status === 'refused' || status === 'ended').length,
    ).toBeGreaterThanOrEqual(2);
    expect(again.map(({ status }) => status)).toContain('refused');
  });

  it('do not take a node for dead that gave its lease up', async () => {
    start('v5', 's1', 1, { fenceTimeoutMs: 200 });
    const silence = beat('v5');
    await heardBy('v5', 1);
    const request = { type: 'LeaseRequest', nodeId: 'v5', incarnation: 'A', leaseMs: 1_000 };
    await bus.request(subjects.lease('v5'), request, leaseReply, 5_000);
    const given = { ...request, leaseMs: 0 };
    expect(await bus.request(subjects.lease('v5'), given, leaseReply, 5_000)).toMatchObject({
      status: 'released',
    });
    silence();
    await hasRecorded('v5', 'FenceFailed');
    expect((await recorded('v5')).map(({ type }) => type)).not.toContain('NodeDown');
  });

  it('believe an operator about a node that nobody hears, and not about one that is well', async () => {
    start('v6', 's1', 1, { fenceTimeoutMs: 200 });
    const silence = beat('v6');
    await heardBy('v6', 1);
    const request = { type: 'DeclareDown', nodeId: 'v6', requestedBy: 'alice', reason: 'unplugged' };
    const declare = (): Promise<DeclareDownReply> =>
      bus.request(subjects.operatorNode, request, declareDownReply, 10_000);
    expect(await declare()).toMatchObject({ status: 'refused', code: 'RECOVERY_NODE_ALIVE' });
    silence();
    await hasRecorded('v6', 'NodeSuspected');
    expect(await declare()).toEqual({ status: 'accepted', nodeId: 'v6', incarnation: 'A' });
    expect((await hasRecorded('v6', 'NodeDeclaredDown')).data).toMatchObject({ requestedBy: 'alice' });
    expect((await hasRecorded('v6', 'NodeDown')).data).toMatchObject({ evidence: 'operator' });
  });

  it('have a life killed that goes on though an operator declared it down', async () => {
    start('v7', 's1', 1, { fenceTimeoutMs: 500 });
    const silence = beat('v7');
    await heardBy('v7', 1);
    silence();
    await hasRecorded('v7', 'NodeSuspected');
    const request = { type: 'DeclareDown', nodeId: 'v7', requestedBy: 'alice' };
    await bus.request(subjects.operatorNode, request, declareDownReply, 10_000);
    const asked: unknown[] = [];
    const kill = async (message: unknown): Promise<unknown> => {
      asked.push(message);
      return { fenced: true, incarnation: 'A', reason: 'killed' };
    };
    stops.push(bus.respond(subjects.fence('v7'), z.unknown(), kill, () => ({})));
    beat('v7');
    await eventually('the kill', () => asked.length > 0);
    expect(asked[0]).toMatchObject({ incarnation: 'A', declaredDown: true });
  });
});
