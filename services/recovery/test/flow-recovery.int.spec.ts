import { callFlowEffects, callFlows, database } from '@reinvite/db';
import { FlowClient, recoveredFlow, type RecoveredFlow } from '@reinvite/flow-client';
import { eventually } from '@reinvite/test-support';
import { asc, sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pruneFlows } from '../src/flow/index.js';
import { bridge, Cluster, leg } from './support/cluster.js';

describe('the state of an application, when its node dies', () => {
  let cluster: Cluster;
  let flow: FlowClient;

  beforeEach(async () => {
    cluster = await Cluster.start();
    for (const node of ['ast1', 'ast2']) cluster.beats(node);
    cluster.replica();
    flow = await FlowClient.connect({
      servers: [cluster.natsUrl],
      timeoutMs: 20_000,
      logLevel: 'silent',
    });
  });
  afterEach(async () => {
    await flow.close();
    await cluster.stop();
  });

  /** What each replacement channel brings along, by the SIP Call-ID of its leg. */
  async function brought(legs: number): Promise<ReadonlyMap<string | undefined, RecoveredFlow | null>> {
    const all = await eventually('the commands', () => {
      const sent = cluster.worker.commands.flatMap((command) => command.legs);
      return sent.length === legs && sent;
    });
    return new Map(
      all.map(({ variables, continuation }) => [
        variables['PJSIP_RECOVERY_CALL-ID'],
        continuation.kind === 'stasis' ? recoveredFlow(continuation.args) : null,
      ]),
    );
  }

  it('comes back with its leg, and with no other', async () => {
    const apart = leg('ast1', 'apart');
    const stateless = leg('ast1', 'stateless');
    const echo = leg('ast1', 'echo', {
      stasisApp: null,
      dialplan: { context: 'from-edge', extension: 'echo', priority: 2, appName: 'Echo', appData: '' },
    });
    const pair = [leg('ast1', 'a'), leg('ast1', 'b', { createdAt: 1_100 })];
    const legs = [apart, stateless, echo, ...pair];
    await flow.put('apart@phone', { step: 'prompt' });
    await flow.put('apart@phone', { step: 'collect', digits: '1,2' });
    await flow.put('b@phone', 'of the second leg');
    await flow.put('echo@phone', 'nobody takes it');
    await cluster.ledgerHas(legs);
    const seq = await cluster.observe(...legs, bridge('ast1', 'b1', ['a', 'b']));
    await cluster.dies('ast1', seq);
    expect(Object.fromEntries(await brought(legs.length))).toEqual({
      'apart@phone': { callId: 'apart@phone', version: 2, state: { step: 'collect', digits: '1,2' } },
      'stateless@phone': { callId: 'stateless@phone', version: 0, state: null },
      'echo@phone': null,
      'a@phone': { callId: 'a@phone', version: 0, state: null },
      'b@phone': { callId: 'a@phone', version: 1, state: 'of the second leg' },
    });
    expect(
      cluster.worker.commands.flatMap((command) => command.legs).find(({ legId }) => legId === 'stateless')
        ?.continuation,
    ).toEqual({ kind: 'stasis', app: 'demo', args: ['recovered', 'stateless@phone'] });
  });

  it('is kept while its call lives, and for an hour after its last sign of life', async () => {
    await cluster.observe(leg('ast1', 'lives'));
    await eventually('the record', async () => {
      const { rows } = await database(cluster.pool).execute(sql`select from legs`);
      return rows.length === 1;
    });
    const db = database(cluster.pool);
    for (const call of ['lives@phone', 'over@phone', 'new@phone']) {
      await flow.put(call, call);
      await flow.once(call, 'billed', () => null);
    }
    const old = sql`now() - interval '61 minutes'`;
    const touched = sql`sip_call_id <> 'new@phone'`;
    await db.update(callFlows).set({ updatedAt: old }).where(touched);
    await db.update(callFlowEffects).set({ begunAt: old, doneAt: old }).where(touched);
    await pruneFlows(cluster.pool);
    for (const table of [callFlows, callFlowEffects]) {
      const left = await db.select({ call: table.sipCallId }).from(table).orderBy(asc(table.sipCallId));
      expect(left).toEqual([{ call: 'lives@phone' }, { call: 'new@phone' }]);
    }
    await db.execute(sql`update legs set gone_at = now()`);
    await pruneFlows(cluster.pool);
    expect((await flow.get('lives@phone')).version).toBe(1);
    await db.execute(sql`update legs set gone_at = ${old}`);
    await pruneFlows(cluster.pool);
    expect(await flow.get('lives@phone')).toEqual({ version: 0, state: null, effects: new Map() });
  });
});
