import type { Behaviour } from '@reinvite/fake-homer';
import { isCoded } from '@reinvite/runtime';
import { dialogsOf, recoveryVariables } from '@reinvite/sip';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { byes, ENDED_AT, established, INBOUND, NODE, OUTBOUND, packets, Scene, SEARCH } from './scene.js';

// HOMER is asked again and again, with pauses; a machine that does much else takes its time.
vi.setConfig({ testTimeout: 60_000 });

const scenes: Scene[] = [];

async function open(version: 7 | 11, settings: Parameters<typeof Scene.open>[1] = {}): Promise<Scene> {
  const scene = await Scene.open(version, settings);
  scenes.push(scene);
  return scene;
}

afterEach(async () => {
  await Promise.all(scenes.splice(0).map(({ fake }) => fake.stop()));
});

/** Deadlines so short are only for what cannot settle. */
const HOPELESS = { deadlineMs: 1_000 };

describe.each([7, 11] as const)('HOMER %i', (version) => {
  it('tells both dialogs of a call through Dial as the ledger does', async () => {
    const { source, fake } = await open(version);
    for (const packet of established) fake.add(packet);
    const found = await source.findByCallIds([INBOUND, OUTBOUND], SEARCH);
    const [inbound] = found.get(INBOUND) ?? [];
    const [outbound] = found.get(OUTBOUND) ?? [];
    if (inbound === undefined || outbound === undefined) throw new Error('two dialogs were expected');
    expect(inbound).toMatchObject({ role: 'uas', state: 'confirmed', nodeId: 'ast1', remoteCSeq: 1 });
    expect(outbound).toMatchObject({ role: 'uac', state: 'confirmed', nodeId: 'ast1', localCSeq: 10_992 });
    expect(recoveryVariables(inbound)).toMatchObject({
      'PJSIP_RECOVERY_CALL-ID': INBOUND,
      PJSIP_RECOVERY_ROUTES: '<sip:10.77.1.10;lr;ftag=427p1>',
      PJSIP_RECOVERY_REQUEST_URI: 'sip:phone@192.168.99.9:7000;alias=10.77.1.30~7000~1',
    });
    expect(fake.logins).toBe(1);
  });

  it('keeps microseconds', async () => {
    const { source, fake } = await open(version);
    for (const packet of established) fake.add(packet);
    const { told } = await source.ask([INBOUND], SEARCH);
    const at = [...(told.get(INBOUND)?.evidence.values() ?? [])].map(({ firstAt }) => firstAt);
    expect(Math.min(...at)).toBe(Math.min(...established.map((packet) => packet.at)));
  });

  it('is asked until messages that come late and with gaps are all there', async () => {
    const { source, fake } = await open(version, {
      behaviour: { flushMs: 400, writers: 4 },
      homer: { settleMs: 450 },
    });
    const until = Date.now();
    const shift = (until - ENDED_AT) * 1_000;
    for (const packet of packets) fake.add({ ...packet, at: packet.at + shift });
    const { told } = await source.ask([INBOUND, OUTBOUND], { since: until - 60_000, until });
    expect([...told.values()].flatMap(dialogsOf).map(({ state }) => state)).toEqual(['ended', 'ended']);
    // The first question came when all could be there, and the second made sure of it.
    expect(Math.min(...fake.queries.map(({ at }) => at))).toBeGreaterThanOrEqual(until + 450);
  });

  it('does not settle while the answers differ', async () => {
    const { source, fake } = await open(version);
    for (const packet of established) fake.add(packet);
    const asking = source.ask([INBOUND], SEARCH);
    // The BYE becomes visible after the first answer, before the second.
    const calls = version === 7 ? 'call/transaction' : 'transactions/messages';
    while (!fake.queries.some(({ path }) => path.endsWith(calls))) await new Promise(setImmediate);
    for (const packet of byes) fake.add(packet);
    const { told } = await asking;
    expect(dialogsOf(told.get(INBOUND) ?? { callId: INBOUND, evidence: new Map() })).toMatchObject([
      { state: 'ended' },
    ]);
  });

  it('concludes nothing from answers without messages', async () => {
    const { source, fake } = await open(version, { homer: HOPELESS });
    const { told, untold } = await source.ask(['unknown@nowhere'], SEARCH);
    expect(told.size).toBe(0);
    expect(untold).toEqual(new Map([['unknown@nowhere', 'HOMER_UNSETTLED']]));
    // More than one question with its two profiles.
    expect(fake.queries.length).toBeGreaterThan(2);
    await expect(source.findByCallIds(['unknown@nowhere'], SEARCH)).rejects.toMatchObject({
      code: 'HOMER_UNSETTLED',
      class: 'retryable',
    });
  });

  it('concludes nothing from what cannot be all', async () => {
    const { source, fake } = await open(version, { homer: HOPELESS });
    const isInvite = /^CSeq: \d+ INVITE/im;
    for (const packet of established) if (!isInvite.test(packet.payload.toString('utf8'))) fake.add(packet);
    const early = established.filter(({ payload }) => isInvite.test(payload.toString('utf8'))).slice(0, 2);
    for (const packet of early) fake.add(packet);
    expect((await source.ask([INBOUND, OUTBOUND], SEARCH)).told.size).toBe(0);
  });

  it('tells what it can while its database is away for a while, and nothing before', async () => {
    const { source, fake } = await open(version, { behaviour: { databaseDown: true } });
    for (const packet of established) fake.add(packet);
    const asking = source.ask([INBOUND], SEARCH);
    while (fake.queries.length < 6) await new Promise(setImmediate);
    fake.behaviour.databaseDown = false;
    expect((await asking).told.has(INBOUND)).toBe(true);
  });

  it('keeps legs, RTCP and logs apart that HOMER thinks belong to the call', async () => {
    const { source, fake } = await open(version, { behaviour: { correlates: true } });
    for (const packet of established) {
      fake.add(packet);
      for (const protocolType of [5, 100])
        fake.add({ ...packet, protocolType, correlationId: INBOUND, payload: Buffer.from('{"ssrc":1}') });
    }
    const { told } = await source.ask([INBOUND], SEARCH);
    expect([...told.keys()]).toEqual([INBOUND]);
    expect(dialogsOf(told.get(INBOUND) ?? { callId: '', evidence: new Map() })).toHaveLength(1);
  });

  it.each<[string, Partial<Behaviour>]>([
    ['answers 502 and 503', { next: [502, 503, 502, 503, 500] }],
    ['cuts connections', { next: ['reset', 'reset', 'reset'] }],
    ['answers slowly', { answerAfterMs: 150 }],
  ])('is asked again when it %s', async (_what, behaviour) => {
    const { source, fake } = await open(version, { behaviour });
    for (const packet of established) fake.add(packet);
    expect((await source.ask([INBOUND, OUTBOUND], SEARCH)).untold.size).toBe(0);
  });

  it('is given up when it takes longer than a request may take', async () => {
    const { source, fake } = await open(version, {
      behaviour: { answerAfterMs: 1_000 },
      homer: { ...HOPELESS, requestTimeoutMs: 50 },
    });
    for (const packet of established) fake.add(packet);
    const { untold } = await source.ask([INBOUND], SEARCH);
    expect([...untold.keys()]).toEqual([INBOUND]);
  });

  it('gets a new login when tokens run out', async () => {
    const { source, fake } = await open(version, { homer: { concurrency: 8, batchSize: 1 } });
    for (const packet of established) fake.add(packet);
    await source.ask([INBOUND], SEARCH);
    fake.expireTokens();
    expect((await source.ask([INBOUND, OUTBOUND], SEARCH)).untold.size).toBe(0);
    expect(fake.logins).toBe(2);
  });

  it('takes a token of the operator instead of a login', async () => {
    const { source, fake } = await open(version, {
      homer: { username: undefined, password: undefined, authToken: 'homer-auth-token' },
    });
    for (const packet of established) fake.add(packet);
    expect((await source.ask([INBOUND], SEARCH)).untold.size).toBe(0);
    expect(fake.logins).toBe(0);
  });

  it.each([
    ['a wrong password', { password: 'secret-of-mine' }],
    ['a wrong token', { username: undefined, password: undefined, authToken: 'secret-of-mine' }],
  ])('does not take %s, says so at once and keeps it to itself', async (_what, homer) => {
    const { source, fake } = await open(version, { homer });
    for (const packet of established) fake.add(packet);
    const { untold } = await source.ask([INBOUND, OUTBOUND], SEARCH);
    expect([...untold.values()]).toEqual(['HOMER_UNAUTHORIZED', 'HOMER_UNAUTHORIZED']);
    const error: unknown = await source.findByCallIds([INBOUND], SEARCH).catch((cause: unknown) => cause);
    expect(isCoded(error, 'HOMER_UNAUTHORIZED')).toBe(true);
    expect(JSON.stringify(Object.getOwnPropertyDescriptors(error))).not.toContain('secret-of-mine');
  });

  it('is greeted, so that what is wrong is known before a node dies', async () => {
    const { source, fake } = await open(version);
    expect(await source.greet()).toBeNull();
    expect(fake.queries.length).toBeGreaterThan(0);
    const wrong = await Scene.open(version, { homer: { url: fake.url, password: 'wrong' } });
    scenes.push(wrong);
    expect(await wrong.source.greet()).toBe('HOMER_UNAUTHORIZED');
    fake.behaviour.next = Array.from({ length: 12 }, () => 503);
    expect(await source.greet()).toBe('HOMER_UNREACHABLE');
  });

  it('is not asked for long at a path that it does not have', async () => {
    const { source } = await open(version, { homer: { url: 'http://127.0.0.1:9' } });
    const unreachable = source.ask([INBOUND], SEARCH);
    const { source: elsewhere, fake } = await open(version);
    const missing = await Scene.open(version, { homer: { url: `${fake.url}/elsewhere` } });
    scenes.push(missing);
    expect([...(await missing.source.ask([INBOUND], SEARCH)).untold.values()]).toEqual(['HOMER_API_MISSING']);
    scenes[0]?.stopping.abort(new Error('enough'));
    await expect(unreachable).rejects.toThrow();
    expect((await elsewhere.ask([], SEARCH)).told.size).toBe(0);
  });

  it('is asked for many Call-IDs in batches, and no more at a time than is allowed', async () => {
    const { source, fake } = await open(version, { homer: { batchSize: 10, concurrency: 2 } });
    const callIds = Array.from({ length: 35 }, (_, n) => `${n}-${INBOUND}`);
    for (const callId of callIds)
      for (const packet of established)
        fake.add({
          ...packet,
          payload: Buffer.from(packet.payload.toString('utf8').replaceAll(INBOUND, callId)),
        });
    const { told, untold } = await source.ask([...callIds, ...callIds], SEARCH);
    expect(untold.size).toBe(0);
    expect([...told.keys()].sort()).toEqual([...callIds].sort());
    for (const { body } of fake.queries) {
      const { session_ids: ids, param } = body as {
        session_ids?: string[];
        param?: { search: Record<string, { callid: string[] }> };
      };
      const asked = ids ?? Object.values(param?.search ?? {}).flatMap(({ callid }) => callid);
      expect(asked.length).toBeLessThanOrEqual(10);
      expect(asked.length).toBeGreaterThan(0);
    }
  });

  it('knows a node by its capture id or its address, and the two nodes of a message between them', async () => {
    const edge = { ...NODE, id: 'ast2', sipAddresses: ['10.77.1.10'] };
    const { source, fake } = await open(version, { nodes: [NODE, edge] });
    for (const packet of established) fake.add(packet);
    const { told } = await source.ask([INBOUND], SEARCH);
    const dialogs = dialogsOf(told.get(INBOUND) ?? { callId: '', evidence: new Map() });
    expect(dialogs.map(({ nodeId, role }) => `${nodeId} ${role}`).sort()).toEqual(['ast1 uas', 'ast2 uac']);
    const ids = [{ ...NODE, hepCaptureId: 1 }, edge];
    const { source: byId, fake: another } = await open(version, { nodes: ids });
    for (const packet of established) another.add(packet);
    expect(await byId.findByCallIds([INBOUND], SEARCH)).toMatchObject(
      new Map([[INBOUND, [{ nodeId: 'ast1' }]]]),
    );
  });
});

describe('HOMER 7', () => {
  it('gets a new login also where a token that ran out is answered with 400', async () => {
    const { source, fake } = await open(7, { behaviour: { missingTokenStatus: 400 } });
    for (const packet of established) fake.add(packet);
    await source.ask([INBOUND], SEARCH);
    fake.expireTokens();
    expect((await source.ask([INBOUND], SEARCH)).untold.size).toBe(0);
    expect(fake.logins).toBe(2);
  });

  it('is understood whatever micro_ts counts', async () => {
    const { source, fake } = await open(7, { behaviour: { microTs: 'ms' } });
    for (const packet of established) fake.add(packet);
    const [dialog] = (await source.findByCallIds([INBOUND], SEARCH)).get(INBOUND) ?? [];
    expect(dialog?.createdAt).toBe(SEARCH.since);
  });

  it('is asked for whole seconds that hold the whole call', async () => {
    const { source, fake } = await open(7);
    for (const packet of established) fake.add(packet);
    await source.ask([INBOUND], SEARCH);
    const { from, to } = (fake.queries[0]?.body as { timestamp: { from: number; to: number } }).timestamp;
    expect([from % 1_000, to % 1_000]).toEqual([0, 0]);
    expect(from).toBeLessThanOrEqual(SEARCH.since);
    expect(to).toBeGreaterThanOrEqual(SEARCH.until);
  });

  it.each(['reset', 502] as const)(
    'that panics (%s) is not asked in a way that makes it panic',
    async (panicAs) => {
      const { source, fake } = await open(7, { behaviour: { panicAs } });
      for (const packet of established) fake.add(packet);
      expect((await source.ask([INBOUND], SEARCH)).untold.size).toBe(0);
      const answer = await fetch(`${fake.url}/api/v3/auth`, {
        method: 'POST',
        body: JSON.stringify({ username: 'reinvite', password: 'homer-password' }),
      });
      const { token } = (await answer.json()) as { token: string };
      const panicking = fetch(`${fake.url}/api/v3/call/transaction`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ param: { search: { '1_call': { callid: INBOUND } } } }),
      });
      if (panicAs === 'reset') await expect(panicking).rejects.toThrow();
      else expect((await panicking).status).toBe(502);
    },
  );
});
