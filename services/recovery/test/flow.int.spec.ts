import { subjects } from '@reinvite/bus';
import { database } from '@reinvite/db';
import { flowEffectReply, flowGetReply, flowPutReply } from '@reinvite/domain';
import { FlowClient, isFlowError, recoveredFlow, type Json, type Once } from '@reinvite/flow-client';
import { eventually } from '@reinvite/test-support';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FlowStore } from '../src/flow/index.js';
import { Cluster } from './support/cluster.js';

const MAX_BYTES = 1_000;
const MAX_EFFECTS = 3;
const LIMITS = { flow: { maxBytes: MAX_BYTES, maxEffects: MAX_EFFECTS } };
const PATIENT_MS = 20_000;

const coded = (code: string, details: object = {}): object =>
  expect.objectContaining({ code, details: expect.objectContaining(details) as object }) as object;

describe('what an ARI application keeps with us, on real Postgres and NATS', () => {
  let cluster: Cluster;
  let one: FlowClient;
  let other: FlowClient;
  let calls = 0;

  const newCall = (): string => `call-${(calls += 1)}@phone`;
  const connect = (timeoutMs = PATIENT_MS): Promise<FlowClient> =>
    FlowClient.connect({ servers: [cluster.natsUrl], timeoutMs, logLevel: 'silent' });

  beforeAll(async () => {
    cluster = await Cluster.start();
    // Two replicas share the requests.
    cluster.replica(LIMITS);
    cluster.replica(LIMITS);
    [one, other] = await Promise.all([connect(), connect()]);
  });
  afterAll(async () => {
    await Promise.all([one.close(), other.close()]);
    await cluster.stop();
  });

  it('is nothing at first', async () => {
    expect(await one.get(newCall())).toEqual({ version: 0, state: null, effects: new Map() });
  });

  it('has a version that each put raises by one, whoever puts', async () => {
    const call = newCall();
    expect(await one.put(call, { step: 'prompt' })).toBe(1);
    expect(await other.put(call, { step: 'collect', digits: '1' })).toBe(2);
    expect(await one.get(call)).toMatchObject({ version: 2, state: { step: 'collect', digits: '1' } });
    expect(await one.put(newCall(), 'another call')).toBe(1);
  });

  it.each<[string, Json]>([
    ['null', null],
    ['a key that objects have already', JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') as Json],
    ['a NUL and half a surrogate pair', { text: 'a\0b', half: '\ud800' }],
    ['the order of keys, and numbers to the last digit', { z: 1, a: [0.1, 1e-9, 1e300, -1] }],
    ['what the separators of Asterisk are', 'a,b|c(d)"e"\\f\u00fc\u{1f600}'],
  ])('is to the letter what was put: %s', async (_what, state) => {
    const call = newCall();
    await one.put(call, state);
    expect(JSON.stringify((await other.get(call)).state)).toBe(JSON.stringify(state));
  });

  it('is put only over the version that was expected, and else told which one is there', async () => {
    const call = newCall();
    await expect(one.put(call, 'x', { expectedVersion: 1 })).rejects.toEqual(
      coded('FLOW_VERSION_CONFLICT', { version: 0 }),
    );
    expect(await one.put(call, 'first', { expectedVersion: 0 })).toBe(1);
    await expect(other.put(call, 'x', { expectedVersion: 0 })).rejects.toEqual(
      coded('FLOW_VERSION_CONFLICT', { version: 1 }),
    );
    expect(await other.put(call, 'second', { expectedVersion: 1 })).toBe(2);
    expect((await one.get(call)).state).toBe('second');
  });

  it('is lost by nobody where many change it at once, each what the one before has put', async () => {
    const call = newCall();
    const count = async (client: FlowClient): Promise<void> => {
      for (;;) {
        const { version, state } = await client.get(call);
        try {
          await client.put(call, (state === null ? 0 : Number(state)) + 1, { expectedVersion: version });
          return;
        } catch (error) {
          if (!isFlowError(error, 'FLOW_VERSION_CONFLICT')) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 12 }, (_, n) => count(n % 2 === 0 ? one : other)));
    expect(await one.get(call)).toMatchObject({ version: 12, state: 12 });
  });

  it('is put once where its answer went astray and it is put again', async () => {
    const sipCallId = newCall();
    for (const expectedVersion of [0, undefined]) {
      const request = { sipCallId, state: 'once', putId: 'put-1', expectedVersion };
      expect(await cluster.bus.request(subjects.flowPut, request, flowPutReply, PATIENT_MS)).toEqual({
        status: 'done',
        version: 1,
      });
    }
    const later = { sipCallId, state: 'twice', putId: 'put-2', expectedVersion: 1 };
    for (let times = 0; times < 2; times += 1)
      expect(await cluster.bus.request(subjects.flowPut, later, flowPutReply, PATIENT_MS)).toEqual({
        status: 'done',
        version: 2,
      });
  });

  it('is refused where it is too long, and what was there stays', async () => {
    const call = newCall();
    await one.put(call, 'x'.repeat(MAX_BYTES - 2));
    await expect(one.put(call, 'x'.repeat(MAX_BYTES - 1))).rejects.toEqual(coded('FLOW_TOO_LARGE', {}));
    // Longer than any request may be: refused unread.
    await expect(one.put(call, 'x'.repeat(100 * MAX_BYTES))).rejects.toEqual(coded('FLOW_TOO_LARGE'));
    expect((await one.get(call)).version).toBe(1);
    let deep: Json = [];
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    const store = new FlowStore(cluster.pool, LIMITS.flow);
    await expect(store.put({ sipCallId: call, state: deep })).rejects.toEqual(coded('FLOW_TOO_LARGE'));
  });

  it('is told why a request was refused that does not fit', async () => {
    await expect(one.put('', 'no Call-ID')).rejects.toEqual(coded('FLOW_INVALID'));
    await expect(one.get('x'.repeat(257))).rejects.toEqual(coded('FLOW_INVALID'));
    await expect(one.put(newCall(), 1, { expectedVersion: -1 })).rejects.toEqual(coded('FLOW_INVALID'));
    await expect(one.once(newCall(), '', () => null)).rejects.toEqual(coded('FLOW_INVALID'));
    const wrong = { sipCallId: 'x', more: 'than is asked' };
    expect(await cluster.bus.request(subjects.flowGet, wrong, flowGetReply, PATIENT_MS)).toMatchObject({
      status: 'refused',
      code: 'FLOW_INVALID',
    });
  });

  it('is told that nothing can be said where nobody answers, and answered by who comes late', async () => {
    const alone = await Cluster.start();
    try {
      const hasty = await FlowClient.connect({
        servers: [alone.natsUrl],
        timeoutMs: 300,
        logLevel: 'silent',
      });
      await expect(hasty.put('call', 1)).rejects.toEqual(coded('FLOW_UNAVAILABLE'));
      let worked = false;
      await expect(hasty.once('call', 'key', () => (worked = true))).rejects.toEqual(
        coded('FLOW_UNAVAILABLE'),
      );
      expect(worked).toBe(false);
      await hasty.close();
      const patient = await FlowClient.connect({
        servers: [alone.natsUrl],
        timeoutMs: PATIENT_MS,
        logLevel: 'silent',
      });
      const put = patient.put('call', 'in the end');
      alone.replica();
      expect(await put).toBe(1);
      await patient.close();
    } finally {
      await alone.stop();
    }
  });

  it('is put all the same when the connections to Postgres are cut meanwhile, each version once', async () => {
    const call = newCall();
    const cut = (): Promise<unknown> =>
      database(cluster.pool).execute(
        sql`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and application_name = 'reinvite-recovery'`,
      );
    for (let version = 0; version < 20; version += 1) {
      const [put] = await Promise.all([one.put(call, version, { expectedVersion: version }), cut()]);
      expect(put).toBe(version + 1);
    }
    expect(await other.get(call)).toMatchObject({ version: 20, state: 19 });
  });

  describe('an effect that must not be repeated', () => {
    it('is done once, and its result told to whoever asks again', async () => {
      const call = newCall();
      const done: string[] = [];
      const bill = (): Json => ({ receipt: done.push('billed') });
      expect(await one.once(call, 'billed', bill)).toEqual({
        status: 'done',
        result: { receipt: 1 },
        repeated: false,
        stored: true,
      });
      expect(await other.once(call, 'billed', bill)).toEqual({
        status: 'done',
        result: { receipt: 1 },
        repeated: true,
      });
      expect(await one.once(newCall(), 'billed', () => 'another call')).toMatchObject({ repeated: false });
      expect(await one.once(call, 'greeted', () => null)).toMatchObject({ repeated: false, result: null });
      expect(done).toEqual(['billed']);
      expect((await one.get(call)).effects).toEqual(
        new Map([
          ['billed', { status: 'done', result: { receipt: 1 } }],
          ['greeted', { status: 'done', result: null }],
        ]),
      );
    });

    it('is done by one of many who ask at once; the others do not do it', async () => {
      const call = newCall();
      let done = 0;
      const work = async (): Promise<Json> => {
        done += 1;
        // Until all others have been answered.
        await eventually('the others', () => answers.length === 9);
        return 'done';
      };
      const answers: Once<Json>[] = [];
      const asked = Array.from({ length: 10 }, async (_, n) => {
        answers.push(await (n % 2 === 0 ? one : other).once(call, 'billed', work));
      });
      await Promise.all(asked);
      expect(done).toBe(1);
      expect(answers.filter(({ status }) => status === 'unknown')).toHaveLength(9);
      expect(await other.once(call, 'billed', work)).toMatchObject({ repeated: true, result: 'done' });
    });

    it('is told to be unknown where it was begun and nobody said what came of it', async () => {
      const call = newCall();
      const fails = (): Json => {
        throw new Error('the billing system hung up');
      };
      await expect(one.once(call, 'billed', fails)).rejects.toThrow('the billing system hung up');
      let repeated = false;
      expect(await other.once(call, 'billed', () => (repeated = true))).toEqual({ status: 'unknown' });
      expect(repeated).toBe(false);
      expect((await one.get(call)).effects).toEqual(new Map([['billed', { status: 'begun' }]]));
    });

    it('may be begun again by the same asker, whose answer went astray, and ended by nobody else', async () => {
      const sipCallId = newCall();
      const ask = (type: string, claim: string, more: object = {}) =>
        cluster.bus.request(
          subjects.flowEffect,
          { type, sipCallId, key: 'billed', claim, ...more },
          flowEffectReply,
          PATIENT_MS,
        );
      expect(await ask('EndEffect', 'a', { result: 1 })).toMatchObject({ code: 'FLOW_EFFECT_NOT_BEGUN' });
      expect(await ask('BeginEffect', 'a')).toEqual({ status: 'begun' });
      expect(await ask('BeginEffect', 'a')).toEqual({ status: 'begun' });
      expect(await ask('BeginEffect', 'b')).toEqual({ status: 'unknown' });
      expect(await ask('EndEffect', 'b', { result: 2 })).toMatchObject({ code: 'FLOW_EFFECT_NOT_BEGUN' });
      expect(await ask('EndEffect', 'a', { result: 1 })).toEqual({ status: 'done', result: 1 });
      expect(await ask('EndEffect', 'a', { result: 3 })).toEqual({ status: 'done', result: 1 });
      expect(await ask('BeginEffect', 'a')).toEqual({ status: 'done', result: 1 });
    });

    it('is told to be done where its result is too long to keep, and unknown afterwards', async () => {
      const call = newCall();
      const result = 'x'.repeat(MAX_BYTES);
      expect(await one.once(call, 'long', () => result)).toEqual({
        status: 'done',
        result,
        repeated: false,
        stored: false,
      });
      expect(await one.once(call, 'long', () => result)).toEqual({ status: 'unknown' });
    });

    it('is not begun where a call has too many', async () => {
      const call = newCall();
      for (let n = 0; n < MAX_EFFECTS; n += 1) await one.once(call, `effect-${n}`, () => n);
      let worked = false;
      await expect(one.once(call, 'one more', () => (worked = true))).rejects.toEqual(
        coded('FLOW_TOO_MANY_EFFECTS'),
      );
      expect(worked).toBe(false);
      expect(await one.once(call, 'effect-1', () => 'again')).toMatchObject({ repeated: true, result: 1 });
    });
  });

  it('is no channel that came back where the arguments say nothing of it', () => {
    expect(recoveredFlow(['app'])).toBeNull();
    expect(recoveredFlow(['recovered', 'call'])).toEqual({ callId: 'call', version: 0, state: null });
  });
});
