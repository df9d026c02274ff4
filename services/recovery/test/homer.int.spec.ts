import type { FakeHomer } from '@reinvite/fake-homer';
import { database } from '@reinvite/db';
import { eventually } from '@reinvite/test-support';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bridge, Cluster, leg, type AuditRow } from './support/cluster.js';
import { ANSWERED, captured, homerFor, ledgerSaw } from './support/homer-scene.js';

interface SourcesRow extends Record<string, unknown> {
  readonly call_id: string;
  readonly waited_for: string | null;
  readonly waited_ms: string | null;
  readonly disagreements: readonly {
    leg: string;
    fields: { field: string }[];
    unsure: Record<'ledger' | 'homer', string[]>;
  }[];
}

describe('recovery with HOMER, on real Postgres and NATS', () => {
  let cluster: Cluster;
  const fakes: FakeHomer[] = [];

  beforeEach(async () => {
    cluster = await Cluster.start();
    cluster.beats('ast1');
    cluster.beats('ast2');
  });
  afterEach(async () => {
    await cluster.stop();
    await Promise.all(fakes.splice(0).map((fake) => fake.stop()));
  });

  async function open(...settings: Parameters<typeof homerFor>): ReturnType<typeof homerFor> {
    const opened = await homerFor(...settings);
    fakes.push(opened.fake);
    return opened;
  }

  const ended = (count: number): Promise<AuditRow[]> =>
    eventually(`${count} outcomes`, async () => {
      const rows = await cluster.audit();
      return rows.filter((row) => row.outcome !== 'under way').length === count && rows;
    });

  const outcomes = (rows: readonly AuditRow[]): unknown[] =>
    rows.map((row) => [row.call_id, row.outcome, row.reason]);

  const sources = async (): Promise<SourcesRow[]> =>
    (await database(cluster.pool).execute<SourcesRow>(sql`select * from audit_sources order by call_id`))
      .rows;

  it.each([7, 11])(
    'brings calls back by HOMER %i alone, and the audit says how long that took',
    async (version) => {
      const { fake, sections } = await open('homer', { homer: { version } });
      cluster.replica({}, sections);
      const legs = [leg('ast1', 'alone'), leg('ast1', 'a'), leg('ast1', 'b', { createdAt: 1_100 })];
      for (const { sipCallId } of legs) captured(sipCallId, ANSWERED).forEach((one) => fake.add(one));
      await cluster.dies('ast1', await cluster.observe(...legs, bridge('ast1', 'b1', ['a', 'b'])));
      expect(outcomes(await ended(2))).toEqual([
        ['a@phone', 'recovered', null],
        ['alone@phone', 'recovered', null],
      ]);
      const [first] = cluster.worker.commands.find(({ callId }) => callId === 'alone@phone')?.legs ?? [];
      expect(first?.variables).toMatchObject({
        'PJSIP_RECOVERY_CALL-ID': 'alone@phone',
        PJSIP_RECOVERY_FROM_TAG: 'ours',
        PJSIP_RECOVERY_ROUTES: '<sip:10.0.0.1;lr>',
      });
      const waits = await sources();
      expect(waits.map((row) => [row.call_id, row.waited_for])).toEqual([
        ['a@phone', 'homer'],
        ['alone@phone', 'homer'],
      ]);
      for (const { waited_ms: ms } of waits) expect(Number(ms)).toBeGreaterThan(0);
    },
  );

  it('does not keep a call waiting whose dialog the ledger knows', async () => {
    const { fake, sections } = await open('ledger+homer', { behaviour: { databaseDown: true } });
    cluster.replica({}, sections);
    const legs = [leg('ast1', 'known'), leg('ast1', 'lost')];
    await cluster.ledgerHas(legs.slice(0, 1));
    captured('lost@phone', ANSWERED).forEach((one) => fake.add(one));
    await cluster.dies('ast1', await cluster.observe(...legs));
    expect(outcomes(await ended(1))).toEqual([['known@phone', 'recovered', null]]);
    fake.behaviour.databaseDown = false;
    expect(outcomes(await ended(2))).toEqual([
      ['known@phone', 'recovered', null],
      ['lost@phone', 'recovered', null],
    ]);
    expect((await sources()).map((row) => row.call_id)).toEqual(['lost@phone']);
    const asked = fake.queries.flatMap(({ body }) => JSON.stringify(body));
    expect(asked.some((body) => body.includes('lost@phone'))).toBe(true);
  });

  it('makes a call wait whole of which one leg is not known', async () => {
    const { fake, sections } = await open('ledger+homer');
    cluster.replica({}, sections);
    const legs = [leg('ast1', 'a'), leg('ast1', 'b', { createdAt: 1_100 })];
    await cluster.ledgerHas(legs.slice(0, 1));
    captured('b@phone', ANSWERED).forEach((one) => fake.add(one));
    await cluster.dies('ast1', await cluster.observe(...legs, bridge('ast1', 'b1', ['a', 'b'])));
    expect(outcomes(await ended(1))).toEqual([['a@phone', 'recovered', null]]);
    expect(cluster.worker.commands.map((command) => command.legs.length)).toEqual([2]);
  });

  it('leaves alone what HOMER could not tell of by its deadline, and says so', async () => {
    const homer = { deadlineMs: 400 };
    const { sections } = await open('ledger+homer', { behaviour: { databaseDown: true }, homer });
    cluster.replica({}, sections);
    const legs = [leg('ast1', 'known'), leg('ast1', 'lost'), leg('ast1', 'unsure')];
    await cluster.ledgerHas(legs.slice(0, 1));
    await cluster.ledgerHas(legs.slice(2), { unsure: ['creation-unseen'] });
    await cluster.dies('ast1', await cluster.observe(...legs));
    expect(outcomes(await ended(3))).toEqual([
      ['known@phone', 'recovered', null],
      ['lost@phone', 'skipped', 'homer-unanswered'],
      ['unsure@phone', 'skipped', 'homer-unanswered'],
    ]);
  });

  it('does not wait for a HOMER that refuses its credentials', async () => {
    const { sections } = await open('ledger+homer', { homer: { password: 'wrong', deadlineMs: 60_000 } });
    cluster.replica({}, sections);
    await cluster.dies('ast1', await cluster.observe(leg('ast1', 'lost')));
    expect(outcomes(await ended(1))).toEqual([['lost@phone', 'skipped', 'homer-unanswered']]);
  });

  it('folds what both have seen, and notes what they do not say alike', async () => {
    const { fake, sections } = await open('ledger+homer');
    cluster.replica({}, sections);
    // The ledger has missed the beginning, HOMER the phone's new contact.
    await ledgerSaw(cluster.pool, 'both@phone', ['refresh', 'refreshed']);
    captured('both@phone', ANSWERED).forEach((one) => fake.add(one));
    await cluster.dies('ast1', await cluster.observe(leg('ast1', 'both')));
    expect(outcomes(await ended(1))).toEqual([['both@phone', 'recovered', null]]);
    const [first] = cluster.worker.commands[0]?.legs ?? [];
    expect(first?.requestUri).toBe('sip:phone@10.0.0.99');
    expect(first?.variables).toMatchObject({ PJSIP_RECOVERY_ROUTES: '<sip:10.0.0.1;lr>' });
    const [noted] = await sources();
    expect(noted?.disagreements[0]).toMatchObject({ leg: 'both' });
    expect(noted?.disagreements[0]?.unsure.ledger).toContain('creation-unseen');
    expect(noted?.disagreements[0]?.unsure.homer).not.toContain('creation-unseen');
    const fields = noted?.disagreements[0]?.fields.map(({ field }) => field);
    expect(fields).toEqual(expect.arrayContaining(['remoteTarget', 'remoteCSeq', 'routeSet']));
  });

  it('notes afterwards what HOMER has seen and the ledger, that was sure, has not', async () => {
    const { fake, sections } = await open('ledger+homer');
    cluster.replica({}, sections);
    for (const callId of ['same@phone', 'missed@phone']) await ledgerSaw(cluster.pool, callId, ANSWERED);
    captured('same@phone', ANSWERED).forEach((one) => fake.add(one));
    captured('missed@phone', [...ANSWERED, 'refresh', 'refreshed']).forEach((one) => fake.add(one));
    await cluster.dies('ast1', await cluster.observe(leg('ast1', 'same'), leg('ast1', 'missed')));
    expect(outcomes(await ended(2))).toEqual([
      ['missed@phone', 'recovered', null],
      ['same@phone', 'recovered', null],
    ]);
    const [noted, ...others] = await eventually('the disagreement', async () => {
      const rows = await sources();
      return rows.length > 0 && rows;
    });
    expect(others).toEqual([]);
    expect(noted).toMatchObject({ call_id: 'missed@phone', waited_for: null });
    const fields = noted?.disagreements[0]?.fields.map(({ field }) => field);
    expect(fields).toEqual(['remoteCSeq', 'remoteTarget']);
  });

  it('goes on in another replica when the one that waited is stopped', async () => {
    const { fake, sections } = await open('homer', { behaviour: { databaseDown: true } });
    const stop = cluster.replica({}, sections);
    captured('call@phone', ANSWERED).forEach((one) => fake.add(one));
    await cluster.dies('ast1', await cluster.observe(leg('ast1', 'call')));
    await eventually('HOMER to be asked', () => fake.queries.length > 2);
    await stop();
    fake.behaviour.databaseDown = false;
    cluster.replica({}, sections);
    expect(outcomes(await ended(1))).toEqual([['call@phone', 'recovered', null]]);
    expect(cluster.worker.commands).toHaveLength(1);
  });

  it('answers a request when HOMER has told', async () => {
    const { fake, sections } = await open('homer');
    cluster.replica({ maxAttempts: 1 }, sections);
    captured('call@phone', ANSWERED).forEach((one) => fake.add(one));
    await cluster.observe(leg('ast1', 'call'), leg('ast1', 'other'));
    cluster.beats('ast1', { asterisk: 'down' });
    await eventually('the call to be on record', async () => {
      const { rows } = await database(cluster.pool).execute(sql`select 1 from legs`);
      return rows.length === 2;
    });
    const reply = await cluster.request({ callId: 'call@phone', dryRun: true });
    expect(reply).toMatchObject({
      status: 'accepted',
      plans: [{ callId: 'call@phone', legs: 1, skipped: [] }],
    });
    expect(fake.queries.some(({ body }) => JSON.stringify(body).includes('other@phone'))).toBe(false);
  });
});
