import { subjects } from '@reinvite/bus';
import { inTransaction } from '@reinvite/db';
import { operatorReply, recoveryReply } from '@reinvite/domain';
import { eventually } from '@reinvite/test-support';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockPlans } from '../src/planning/claim.js';
import { bridge, Cluster, leg, lifeOf } from './support/cluster.js';

describe('recovery requests, on real Postgres and NATS', () => {
  let cluster: Cluster;
  const legs = [leg('ast1', 'a'), leg('ast1', 'b', { createdAt: 1_100 }), leg('ast1', 'other')];

  beforeEach(async () => {
    cluster = await Cluster.start();
    cluster.replica();
    cluster.beats('ast1');
    cluster.beats('ast2');
    await cluster.ledgerHas(legs);
    await cluster.observe(...legs, bridge('ast1', 'b1', ['a', 'b']));
  });
  afterEach(() => cluster.stop());

  const gone = (): void => cluster.beats('ast1', { asterisk: 'down' });
  const plansOf = async (request: Record<string, unknown>) => {
    const reply = await eventually('an accepting answer', async () => {
      const answer = await cluster.request(request);
      return answer.status === 'accepted' && answer;
    });
    return reply;
  };
  const done = (count: number) =>
    eventually(`${count} outcomes`, async () => {
      const rows = await cluster.audit();
      return rows.filter((row) => row.outcome === 'recovered').length === count && rows;
    });

  it('of a node that is alive is refused: nobody takes its dialogs', async () => {
    const reply = await eventually('the records', async () => {
      const answer = await cluster.request({ nodeId: 'ast1' });
      return answer.status === 'refused' && answer;
    });
    expect(reply.code).toBe('RECOVERY_NODE_ALIVE');
    expect(await cluster.request({ callId: 'a@phone' })).toMatchObject({
      status: 'refused',
      code: 'RECOVERY_NODE_ALIVE',
    });
  });

  it('of a node that nothing is heard of is refused too: silence is no proof', async () => {
    await eventually(
      'the records',
      async () => (await cluster.request({ callId: 'other@phone' })).status === 'refused',
    );
    cluster.beats('ast1', null);
    const reply = await cluster.request({ callId: 'other@phone' });
    expect(reply).toMatchObject({ status: 'refused', code: 'RECOVERY_NODE_ALIVE' });
  });

  it('of a node of which another tells that it is down is refused', async () => {
    await eventually(
      'the records',
      async () => (await cluster.request({ callId: 'other@phone' })).status === 'refused',
    );
    cluster.beats('ast1', null);
    const told = { type: 'Heartbeat', nodeId: 'ast1', incarnation: lifeOf('ast1'), at: Date.now() };
    const down = { ...told, intervalMs: 200, asterisk: 'down', liveChannels: 0, recoveryModule: true };
    cluster.bus.publish(subjects.heartbeat('ast2'), down);
    const reply = await cluster.request({ callId: 'other@phone' });
    expect(reply).toMatchObject({ status: 'refused', code: 'RECOVERY_NODE_ALIVE' });
    expect(cluster.worker.commands).toEqual([]);
  });

  it('of a dead node does what a crash does, once for each key', async () => {
    gone();
    const key = { nodeId: 'ast1', idempotencyKey: 'once' };
    const reply = await plansOf(key);
    expect(reply).toMatchObject({ repeated: false, dryRun: false });
    expect(reply.plans.map((plan) => [plan.callId, plan.target, plan.legs])).toEqual(
      expect.arrayContaining([
        ['a@phone', 'ast2', 2],
        ['other@phone', 'ast2', 1],
      ]),
    );
    const rows = await done(2);
    expect(rows.map((row) => row.trigger)).toEqual(['request', 'request']);
    expect(await cluster.request(key)).toEqual({ ...reply, repeated: true });
    expect(cluster.worker.commands).toHaveLength(2);
  });

  it('under another key finds what was done already', async () => {
    gone();
    await plansOf({ nodeId: 'ast1' });
    await done(2);
    const again = await plansOf({ nodeId: 'ast1' });
    expect(again.plans).toHaveLength(2);
    expect(cluster.worker.commands).toHaveLength(2);
  });

  const legsInTwo = async (): Promise<unknown[]> => {
    const { rows } = await cluster.pool.query<{ leg_id: string }>(
      `select leg_id from recovery_legs group by leg_id having count(distinct recovery_id) > 1`,
    );
    return rows;
  };

  it('leaves legs alone that have a recovery already, in whatever call they seem to be by now', async () => {
    gone();
    await plansOf({ nodeId: 'ast1' });
    await done(2);
    // What comes late shows the pair apart.
    await cluster.observe({
      type: 'BridgeGone',
      nodeId: 'ast1',
      incarnation: lifeOf('ast1'),
      at: 3_000,
      bridgeId: 'b1',
    });
    await eventually('the bridge to be gone', async () => {
      const { rows } = await cluster.pool.query(`select 1 from bridges where gone_at is not null`);
      return rows.length > 0;
    });
    const again = await plansOf({ callId: 'b@phone' });
    expect(again.plans.map(({ callId, legs: count }) => [callId, count])).toEqual([['a@phone', 2]]);
    expect(await legsInTwo()).toEqual([]);
    expect(cluster.worker.commands).toHaveLength(2);
  });

  it('waits for a death that is being planned, and finds what that has begun', async () => {
    gone();
    await eventually('the records', async () => {
      const { rows } = await cluster.pool.query(`select 1 from legs`);
      return rows.length === 3;
    });
    const reply = await inTransaction(cluster.pool, async (tx) => {
      await lockPlans(tx, 'ast1', lifeOf('ast1'));
      const asked = cluster.request({ callId: 'a@phone' });
      await eventually('the request to wait', async () => {
        const { rows } = await cluster.pool.query(
          `select 1 from pg_locks where locktype = 'advisory' and not granted`,
        );
        return rows.length > 0;
      });
      await tx.execute(sql`
        insert into recoveries (recovery_id, call_id, node_id, incarnation, trigger, call_kind, attempts, detected_at, planned_at)
        values ('other', 'b@phone', 'ast1', ${lifeOf('ast1')}, 'node-down', 'stasis', 0, now(), now())`);
      await tx.execute(sql`
        insert into recovery_legs (recovery_id, leg_id, attempt, call_id, endpoint, sip_call_id, planned_at)
        values ('other', 'b', 0, 'b@phone', 'edge', 'b@phone', now())`);
      return { asked };
    });
    expect(await reply.asked).toMatchObject({
      status: 'accepted',
      plans: [{ callId: 'a@phone', legs: 1 }],
    });
    expect(await legsInTwo()).toEqual([]);
  });

  it('and a death at the same moment make one recovery of each call', async () => {
    cluster.replica();
    gone();
    await eventually('the records', async () => {
      const { rows } = await cluster.pool.query(`select 1 from legs`);
      return rows.length === 3;
    });
    await plansOf({ nodeId: 'ast1', dryRun: true });
    const [whole, one] = await Promise.all([
      cluster.request({ nodeId: 'ast1' }),
      cluster.request({ callId: 'b@phone' }),
      cluster.dies('ast1', null),
    ]);
    for (const reply of [whole, one]) expect(reply).toMatchObject({ status: 'accepted' });
    await done(2);
    expect(await cluster.audit()).toHaveLength(2);
    expect(await legsInTwo()).toEqual([]);
    expect(cluster.worker.commands).toHaveLength(2);
  });

  it('of one call recovers that call, by the Call-ID of any of its legs', async () => {
    gone();
    const reply = await plansOf({ callId: 'b@phone' });
    expect(reply.plans.map((plan) => plan.callId)).toEqual(['a@phone']);
    expect(await done(1)).toMatchObject([{ call_id: 'a@phone', outcome: 'recovered' }]);
  });

  it('as a dry run plans and does nothing', async () => {
    gone();
    const reply = await plansOf({ nodeId: 'ast1', dryRun: true, idempotencyKey: 'dry' });
    expect(reply.plans).toHaveLength(2);
    expect(await cluster.audit()).toEqual([]);
    expect(cluster.worker.commands).toEqual([]);
  });

  it('of an unknown call is refused, and the key may be used again', async () => {
    gone();
    const key = { callId: 'nobody@phone', idempotencyKey: 'again' };
    expect(await cluster.request(key)).toMatchObject({ status: 'refused', code: 'RECOVERY_UNKNOWN_CALL' });
    expect(await plansOf({ ...key, callId: 'other@phone' })).toMatchObject({
      status: 'accepted',
      repeated: false,
    });
  });

  it('with a key that belongs to another request is refused', async () => {
    gone();
    await plansOf({ nodeId: 'ast1', idempotencyKey: 'mine' });
    expect(await cluster.request({ callId: 'a@phone', idempotencyKey: 'mine' })).toMatchObject({
      status: 'refused',
      code: 'RECOVERY_REQUEST_INVALID',
    });
  });

  it.each([
    ['names neither node nor call', {}],
    ['names both', { nodeId: 'ast1', callId: 'a@phone' }],
    ['has a key of the wrong kind', { nodeId: 'ast1', idempotencyKey: 7 }],
    ['has a field that nobody knows', { nodeId: 'ast1', force: true }],
  ])('that %s is refused', async (_, request) => {
    expect(await cluster.request(request)).toMatchObject({
      status: 'refused',
      code: 'RECOVERY_REQUEST_INVALID',
    });
  });
});

describe('whoever asks recovery, on real Postgres and NATS', () => {
  let cluster: Cluster;
  const REFUSED = /^(RECOVERY_|POSTGRES_|NATS_)/;

  beforeEach(async () => {
    cluster = await Cluster.start();
  });
  afterEach(() => cluster.stop());

  it('is refused what is longer than allowed, unread', async () => {
    cluster.replica({ requests: { maxBytes: 1_000, perMinute: 100, totalPerMinute: 100 } });
    const reply = await cluster.request({ nodeId: 'ast1', padding: 'x'.repeat(1_000) });
    expect(reply).toMatchObject({ status: 'refused', code: 'RECOVERY_REQUEST_TOO_LARGE' });
    const shorter = await cluster.request({ nodeId: 'ast1', padding: 'x'.repeat(500) });
    expect(shorter).toMatchObject({ status: 'refused', code: 'RECOVERY_REQUEST_INVALID' });
  });

  it('is refused what is asked too often, and another is not', async () => {
    cluster.replica({ requests: { maxBytes: 16_384, perMinute: 2, totalPerMinute: 100 } });
    const codes: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      const reply = await cluster.request({ callId: 'nobody@phone', requestedBy: 'eager' });
      codes.push(reply.status === 'refused' ? reply.code : reply.status);
    }
    expect(codes).toEqual(['RECOVERY_UNKNOWN_CALL', 'RECOVERY_UNKNOWN_CALL', 'RECOVERY_REQUEST_RATE']);
    expect(await cluster.request({ callId: 'nobody@phone' })).toMatchObject({
      code: 'RECOVERY_UNKNOWN_CALL',
    });
  });

  it('is counted also where it cannot be read', async () => {
    cluster.replica({ requests: { maxBytes: 1_000, perMinute: 100, totalPerMinute: 3 } });
    const codes: string[] = [];
    for (const padding of ['', 'x'.repeat(1_000), '', '']) {
      const reply = await cluster.request({ nodeId: 7, padding });
      codes.push(reply.status === 'refused' ? reply.code : reply.status);
    }
    expect(codes).toEqual([
      'RECOVERY_REQUEST_INVALID',
      'RECOVERY_REQUEST_TOO_LARGE',
      'RECOVERY_REQUEST_INVALID',
      'RECOVERY_REQUEST_RATE',
    ]);
    expect(await cluster.request({ callId: 'nobody@phone' })).toMatchObject({
      code: 'RECOVERY_REQUEST_RATE',
    });
  });

  it('gets a coded answer to whatever it sends, and the service goes on', async () => {
    cluster.replica({ requests: { maxBytes: 16_384, perMinute: 100_000, totalPerMinute: 100_000 } });
    const field = fc.oneof(
      fc.string({ maxLength: 300 }),
      fc.jsonValue(),
      fc.constantFrom('\u0000', '"', "'; drop"),
    );
    const odd = fc.record(
      {
        nodeId: field,
        callId: field,
        reason: field,
        requestedBy: field,
        idempotencyKey: field,
        dryRun: fc.oneof(fc.boolean(), field),
        type: fc.oneof(fc.constantFrom('StopRecovery', 'ReleaseCall', 'AskStatus', '__proto__'), field),
      },
      { requiredKeys: [] },
    );
    const likely = fc.record({
      callId: fc.string({ minLength: 1, maxLength: 300 }),
      reason: fc.string({ minLength: 1, maxLength: 50 }),
      requestedBy: fc.string({ minLength: 1, maxLength: 50 }),
      idempotencyKey: fc.string({ minLength: 1, maxLength: 300, unit: 'binary' }),
    });
    await cluster.request({ callId: 'nobody@phone' });
    await fc.assert(
      fc.asyncProperty(fc.oneof(odd, likely, fc.jsonValue()), async (message) => {
        for (const subject of [subjects.recoveryRequest, subjects.operatorRecovery]) {
          const schema = subject === subjects.recoveryRequest ? recoveryReply : operatorReply;
          const reply = await cluster.bus.request<{ status: string }>(subject, message, schema, 20_000);
          const { status, code } = reply as { status: string; code?: string };
          if (status === 'refused') expect(code).toMatch(REFUSED);
        }
      }),
      { numRuns: 150, seed: 20261121 },
    );
    expect(await cluster.request({ callId: 'nobody@phone' })).toMatchObject({
      code: 'RECOVERY_UNKNOWN_CALL',
    });
  });
});
