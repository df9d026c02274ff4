import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createLogger } from '@reinvite/runtime';
import { startBackends } from '@reinvite/test-support';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toJsonb } from '../src/jsonb.js';
import { connectPool, database, type Database, type Pool } from '../src/pool.js';
import { recoveries, recoveryLegs } from '../src/schema/index.js';

const log = createLogger('test', 'fatal');
const life = { nodeId: 'ast1', incarnation: '1000' };
const T0 = Date.UTC(2026, 0, 2, 3, 4, 5);
const moment = (ms: number): Date => new Date(T0 + ms);

type Fields = Record<string, unknown> & { type: string };

async function append(db: Database, streamId: string, ...events: Fields[]): Promise<void> {
  const added = events.map((event, i) => {
    const { type, ...data } = event;
    return { stream: streamId, version: i + 1, id: randomUUID(), type, schema: 1, data, metadata: {} };
  });
  const stream = [{ stream: streamId, expected: 0, count: events.length }];
  await db.execute(sql`select append_events(${toJsonb(stream)}::jsonb, ${toJsonb(added)}::jsonb, '[]')`);
}

const base = {
  ...life,
  trigger: 'node-down',
  callKind: 'ari-bridge',
  detectedAt: moment(0),
  plannedAt: moment(12),
} as const;

describe('the audit views', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let pool: Pool;

  beforeAll(async () => {
    backends = await startBackends();
    pool = connectPool(backends.postgresUrl, { applicationName: 'reinvite-test', log });
    const db = database(pool);
    await append(
      db,
      'node-ast1',
      { type: 'NodeSeen', ...life, incarnation: '900', at: T0 - 9_000 },
      { type: 'NodeSuspected', ...life, cause: 'silent', forMs: 1_000, at: T0 - 700 },
      { type: 'NodeFenced', ...life, by: 'agent', at: T0 - 20 },
      { type: 'NodeDown', ...life, evidence: 'fenced', lastFactSeq: 7, at: T0 },
    );
    await append(
      db,
      'recovery-r1',
      { type: 'RecoveryPlanned', recoveryId: 'r1', callId: 'call-1', at: T0 + 12 },
      { type: 'RecoveryCompleted', recoveryId: 'r1', callId: 'call-1', outcome: 'recovered', at: T0 + 90 },
    );
    await db.insert(recoveries).values([
      {
        ...base,
        recoveryId: 'r1',
        callId: 'call-1',
        target: 'ast2',
        attempts: 2,
        outcome: 'recovered',
        firstOriginatedAt: moment(30),
        answeredAt: moment(80),
        joinedAt: moment(85),
        completedAt: moment(90),
      },
      {
        ...base,
        recoveryId: 'r2',
        callId: 'call-2',
        outcome: 'skipped',
        reason: 'dialog-early',
        completedAt: moment(12),
      },
      { ...base, recoveryId: 'r3', callId: 'call-3' },
    ]);
    const leg = {
      recoveryId: 'r1',
      callId: 'call-1',
      endpoint: 'edge',
      sipCallId: 'a@phone',
      plannedAt: moment(12),
    };
    await db.insert(recoveryLegs).values([
      {
        ...leg,
        legId: 'a',
        attempt: 1,
        channelId: 'c-a-1',
        target: 'ast3',
        outcome: 'failed',
        reason: 'TARGET_UNREACHABLE',
      },
      { ...leg, legId: 'a', attempt: 2, channelId: 'c-a-2', target: 'ast2', outcome: 'recovered', cseq: 112 },
      {
        ...leg,
        legId: 'b',
        attempt: 2,
        channelId: 'c-b-2',
        target: 'ast2',
        outcome: 'recovered',
        sipCallId: 'b@phone',
      },
    ]);
  });
  afterAll(async () => {
    await pool.end();
    await backends.stop();
  });

  const rows = async (query: string): Promise<unknown[]> => (await pool.query(query)).rows as unknown[];

  it('have one row per recovery, with its outcome, legs and times', async () => {
    expect(await rows('select * from audit_recoveries order by recovery_id')).toMatchObject([
      {
        recovery_id: 'r1',
        outcome: 'recovered',
        target: 'ast2',
        attempts: 2,
        legs_total: '2',
        legs_recovered: '2',
        legs: [
          { leg: 'a', attempt: 2, target: 'ast2', cseq: 112, outcome: 'recovered' },
          { leg: 'b', attempt: 2, sipCallId: 'b@phone' },
        ],
        detected_at: moment(0),
        completed_at: moment(90),
        planned_ms: '12',
        first_reinvite_ms: '30',
        answered_ms: '80',
        completed_ms: '90',
      },
      {
        recovery_id: 'r2',
        outcome: 'skipped',
        reason: 'dialog-early',
        legs_total: '0',
        legs: [],
        first_reinvite_ms: null,
      },
      { recovery_id: 'r3', outcome: 'under way', completed_at: null },
    ]);
  });

  it('tell the story of a call in order, with that of the node that died under it', async () => {
    const story = await rows("select at, event, details from audit_timeline where call_id = 'call-1'");
    expect(story).toMatchObject([
      { at: moment(-700), event: 'NodeSuspected' },
      { at: moment(-20), event: 'NodeFenced' },
      { at: moment(0), event: 'NodeDown', details: { evidence: 'fenced' } },
      { at: moment(12), event: 'RecoveryPlanned' },
      { at: moment(90), event: 'RecoveryCompleted', details: { outcome: 'recovered' } },
    ]);
  });

  it('have one row per death, with its evidence and what became of the calls', async () => {
    expect(await rows('select * from audit_nodes')).toMatchObject([
      {
        node_id: 'ast1',
        incarnation: '1000',
        suspected_at: moment(-700),
        fenced_at: moment(-20),
        down_at: moment(0),
        evidence: 'fenced',
        suspected_ms: '700',
        calls: '3',
        recovered: '1',
        skipped: '1',
        failed: '0',
        under_way: '1',
        last_completed_at: moment(90),
      },
    ]);
  });

  it('show an event without a time of its own at the time of its recording', async () => {
    await append(database(pool), 'recovery-r3', { type: 'RecoveryPlanned', recoveryId: 'r3', at: 'soon' });
    const [row] = await rows(
      "select at = recorded_at as same from audit_timeline where recovery_id = 'r3' and event = 'RecoveryPlanned'",
    );
    expect(row).toEqual({ same: true });
  });

  it('answer every query of the documentation', async () => {
    const text = await readFile(new URL('../../docs/audit.md', import.meta.url), 'utf8');
    const queries = [...text.matchAll(/```sql\n(.*?)```/gs)].map(([, query]) => query ?? '');
    expect(queries.length).toBeGreaterThan(4);
    const client = await pool.connect();
    try {
      for (const query of queries) await expect(client.query(query)).resolves.toBeDefined();
    } finally {
      client.release();
    }
  });
});
