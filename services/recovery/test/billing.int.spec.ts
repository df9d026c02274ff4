import {
  bridges,
  cdr,
  cel,
  connectPool,
  database,
  legs,
  nodeIncarnations,
  recoveries,
  recoveryLegs,
  toJsonb,
  type Database,
  type Pool,
} from '@reinvite/db';
import { createLogger, type BillingConfig } from '@reinvite/runtime';
import { eventually, startBackends } from '@reinvite/test-support';
import { sql } from 'drizzle-orm';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeBills } from '../src/billing/index.js';

const log = createLogger('test', 'fatal');
/** The node died so long ago that its bills are due, and not so long that they are closed. */
const DIED = Date.now() - 20_000;
const life = { nodeId: 'ast1', incarnation: '1000' };
const at = (ms: number): Date => new Date(DIED + ms);

type Row = Record<string, unknown>;

function leg(channelId: string, more: Partial<typeof legs.$inferInsert> = {}): typeof legs.$inferInsert {
  return {
    ...life,
    channelId,
    channelName: `PJSIP/edge-${channelId}`,
    endpoint: 'edge',
    sipCallId: `${channelId}@phone`,
    state: 'Up',
    createdAt: at(-60_000),
    answeredAt: at(-50_000),
    caller: { name: '', number: '100' },
    accountCode: '',
    language: 'en',
    dialplan: { context: 'in', extension: '200', priority: 1, appName: 'Dial', appData: '' },
    observedAt: at(-50_000),
    factSeq: 1,
    goneAt: at(500),
    ...more,
  };
}

describe('billing records that Asterisk could not write', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let pool: Pool;
  let db: Database;

  beforeAll(async () => {
    backends = await startBackends();
    pool = connectPool(backends.postgresUrl, { applicationName: 'reinvite-test', log });
    db = database(pool);
  });
  afterAll(async () => {
    await pool.end();
    await backends.stop();
  });
  beforeEach(async () => {
    await db.execute(
      sql`truncate cdr, cel, legs, bridges, node_incarnations, recoveries, recovery_legs, events, streams`,
    );
    await db.insert(nodeIncarnations).values({ ...life, firstSeenAt: at(-90_000), closedAt: at(500) });
    await tells('node-ast1', { type: 'NodeDown', ...life, at: DIED });
  });

  async function tells(stream: string, ...events: Row[]): Promise<void> {
    const added = events.map(({ type, ...data }, i) => ({
      stream,
      version: i + 1,
      id: randomUUID(),
      type,
      schema: 1,
      data,
      metadata: {},
    }));
    const streams = [{ stream, expected: 0, count: events.length }];
    await db.execute(sql`select append_events(${toJsonb(streams)}::jsonb, ${toJsonb(added)}::jsonb, '[]')`);
  }

  /** Lets the writers, two replicas, write until `wanted` records of theirs are there. */
  async function billed(wanted: number, write: BillingConfig['write'] = 'deaths'): Promise<Row[]> {
    const stop = new AbortController();
    const settings = { write, missingAfterMs: 5_000 };
    const writers = [1, 2].map(() => writeBills({ pool, settings, log, signal: stop.signal }));
    try {
      return await eventually(`${wanted} records`, async () => {
        const { rows } = await db.execute<Row>(sql`
          select uniqueid, call_linkedid as linked, dstchannel as peer, disposition, src, dst,
            ms_between(to_timestamp(${DIED}::float8 / 1000), ended_at)::int as ended,
            ms_between(to_timestamp(${DIED}::float8 / 1000), answered_at)::int as answered
          from cdr where written_by = 'reinvite' order by uniqueid`);
        return rows.length >= wanted && rows;
      });
    } finally {
      stop.abort();
      await Promise.all(writers);
    }
  }

  async function details(): Promise<Row[]> {
    const { rows } = await db.execute<Row>(sql`
      select linkedid, outcome, billed_ms::int as billed, gap_ms::int as gap, duration_ms::int as duration, parts::int, nodes
      from call_detail order by linkedid`);
    return rows;
  }

  it('are one for each channel that was alive and was not dialled by another', async () => {
    await db
      .insert(legs)
      .values([
        leg('caller'),
        leg('callee', { dialedBy: 'caller', caller: { name: '', number: '200' } }),
        leg('left', { linkedId: 'left' }),
        leg('right', { linkedId: 'left' }),
        leg('rings', { state: 'Ring', answeredAt: null }),
        leg('over', { goneAt: at(-10_000) }),
        leg('transferred', { dialedBy: 'over' }),
        leg('elsewhere', { nodeId: 'ast2' }),
        leg('written'),
      ]);
    await db.insert(bridges).values({
      ...life,
      bridgeId: 'b1',
      bridgeType: 'mixing',
      bridgeClass: 'stasis',
      creator: '',
      name: '',
      channelIds: ['left', 'right'],
      observedAt: at(-40_000),
      factSeq: 2,
      goneAt: at(500),
    });
    await db
      .insert(cdr)
      .values({ nodeId: 'ast1', uniqueid: 'written', linkedid: 'written', start: 1, end: 2 });
    const common = { src: '100', dst: '200', ended: 0 };
    const talked = { ...common, disposition: 'ANSWERED', answered: -50_000 };
    const wanted = [
      { ...talked, uniqueid: 'caller', linked: 'caller', peer: 'PJSIP/edge-callee' },
      { ...talked, uniqueid: 'left', linked: 'left', peer: 'PJSIP/edge-right' },
      { ...talked, uniqueid: 'right', linked: 'left', peer: 'PJSIP/edge-left' },
      { ...common, uniqueid: 'rings', linked: 'rings', peer: null, disposition: 'NO ANSWER', answered: null },
      { ...talked, uniqueid: 'transferred', linked: 'over', peer: null },
    ];
    expect(await billed(5)).toEqual(wanted);
    expect(await billed(5)).toEqual(wanted);
  });

  it('end when the node was last well, where that was before its death was known', async () => {
    await db.execute(sql`truncate events, streams`);
    await tells(
      'node-ast1',
      { type: 'NodeSuspected', ...life, at: DIED - 30_000, forMs: 1_000 },
      { type: 'NodeCleared', ...life, at: DIED - 29_000 },
      { type: 'NodeSuspected', ...life, incarnation: '900', at: DIED - 28_000, forMs: 1_000 },
      { type: 'NodeSuspected', ...life, at: DIED - 700, forMs: 1_200 },
      { type: 'NodeDown', ...life, at: DIED },
    );
    await db.insert(legs).values([leg('a'), leg('young', { createdAt: at(-1_500), answeredAt: at(-1_000) })]);
    expect(await billed(2)).toMatchObject([
      { uniqueid: 'a', ended: -1_900, answered: -50_000 },
      { uniqueid: 'young', ended: -1_000, answered: -1_000 },
    ]);
  });

  it('begin with the answer that Asterisk told, where the agent saw it late', async () => {
    await db.insert(legs).values(leg('a'));
    await db
      .insert(cel)
      .values({ nodeId: 'ast1', eventtype: 'ANSWER', eventtime: (DIED - 55_000) / 1000, uniqueid: 'a' });
    expect(await billed(1)).toMatchObject([{ answered: -55_000 }]);
  });

  it('give way to the one that Asterisk has written after all', async () => {
    await db.insert(legs).values(leg('a', { linkedId: 'a' }));
    await billed(1);
    expect(await details()).toMatchObject([{ linkedid: 'a', outcome: 'lost', billed: 50_000, gap: 0 }]);
    await db.insert(cdr).values({
      nodeId: 'ast1',
      uniqueid: 'a',
      linkedid: 'a',
      start: (DIED - 60_000) / 1000,
      answer: (DIED - 50_000) / 1000,
      end: (DIED - 10_000) / 1000,
    });
    expect(await details()).toMatchObject([{ outcome: 'ended', billed: 40_000 }]);
  });

  it('tell of ended calls of a node that could not reach Postgres, where that is asked for', async () => {
    await db
      .insert(legs)
      .values([
        leg('a', { nodeId: 'ast2', goneAt: at(-5_000) }),
        leg('b', { nodeId: 'ast2', goneAt: at(-5_000), dialedBy: 'a' }),
        leg('unanswered', { nodeId: 'ast2', goneAt: at(-5_000), answeredAt: null, state: 'Ring' }),
        leg('written', { nodeId: 'ast2', goneAt: at(-5_000) }),
        leg('just', { nodeId: 'ast2', goneAt: new Date(Date.now() + 60_000) }),
        leg('died'),
      ]);
    await db
      .insert(cdr)
      .values({ nodeId: 'ast2', uniqueid: 'written', linkedid: 'written', start: 1, end: 2 });
    expect(await billed(1)).toMatchObject([{ uniqueid: 'died', ended: 0 }]);
    expect(await billed(2, 'missing')).toMatchObject([
      { uniqueid: 'a', ended: -5_000, disposition: 'ANSWERED' },
      { uniqueid: 'died', ended: 0 },
    ]);
  });

  it('are joined to one call with what came after, whose node could not tell of it', async () => {
    const recoveryId = 'a'.repeat(20);
    const channelId = `reinvite-${recoveryId}-0-1`;
    const back = { recoveryId, callId: 'a@phone', endpoint: 'edge', sipCallId: 'a@phone', plannedAt: at(10) };
    await tells(`recovery-${recoveryId}`, { type: 'RecoveryPlanned', linkedId: 'first' });
    await db.insert(recoveries).values({
      ...life,
      recoveryId,
      callId: 'a@phone',
      trigger: 'node-down',
      callKind: 'stasis',
      target: 'ast2',
      targetIncarnation: '7',
      detectedAt: at(0),
      plannedAt: at(10),
    });
    await db
      .insert(recoveryLegs)
      .values({ ...back, legId: 'a', attempt: 1, channelId, target: 'ast2', originatedAt: at(100) });
    await db.insert(legs).values(leg('a', { linkedId: 'first' }));
    await billed(1);
    expect(await details()).toMatchObject([{ linkedid: 'first', outcome: 'under way', billed: 50_000 }]);

    await db.execute(sql`update recoveries set outcome = 'recovered'`);
    await db.execute(
      sql`update recovery_legs set outcome = 'recovered', answered_at = ${at(400).toISOString()}`,
    );
    await tells('node-ast2', { type: 'NodeDown', nodeId: 'ast2', incarnation: '7', at: DIED + 5_000 });
    await db
      .insert(nodeIncarnations)
      .values({ nodeId: 'ast2', incarnation: '7', firstSeenAt: at(-90_000), closedAt: at(5_100) });
    expect(await billed(2)).toMatchObject([
      { uniqueid: 'a', linked: 'first' },
      { uniqueid: channelId, linked: 'first', answered: 400, ended: 5_000 },
    ]);
    expect(await details()).toEqual([
      {
        linkedid: 'first',
        outcome: 'lost',
        billed: 54_600,
        gap: 400,
        duration: 64_600,
        parts: 2,
        nodes: ['ast1', 'ast2'],
      },
    ]);
  });

  it('are not written where that is not wanted', async () => {
    await writeBills({
      pool,
      settings: { write: 'none', missingAfterMs: 5_000 },
      log,
      signal: new AbortController().signal,
    });
    expect((await db.select().from(cdr)).length).toBe(0);
  });
});
