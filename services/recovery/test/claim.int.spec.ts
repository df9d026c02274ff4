import { randomUUID } from 'node:crypto';
import { connectPool, inTransaction, type Pool } from '@reinvite/db';
import { recoveryEvent, recoveryStream, type RecoveryEvent } from '@reinvite/domain';
import { EventCodec, EventStore } from '@reinvite/event-store';
import { createLogger } from '@reinvite/runtime';
import { startBackends } from '@reinvite/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { claim } from '../src/planning/claim.js';
import { whatIsPlanned } from '../src/planning/planned.js';
import type { RecoveryRow } from '../src/recoveries/read-rows.js';
import { writeReadSide } from '../src/recoveries/write-read-side.js';

const CLAIMED = expect.objectContaining({ code: 'RECOVERY_CLAIMED' }) as unknown;
const [NODE, LIFE] = ['ast1', 'life'];

describe('two replicas plan one death, on a real Postgres', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let pool: Pool;

  beforeAll(async () => {
    backends = await startBackends();
    pool = connectPool(backends.postgresUrl, {
      applicationName: 'test',
      log: createLogger('test', 'silent'),
    });
  });
  beforeEach(async () => {
    await pool.query('truncate recoveries, recovery_legs');
  });
  afterAll(async () => {
    await pool.end();
    await backends.stop();
  });

  /** What a replica does that plans one call with these legs. */
  function plan(recoveryId: string, legIds: readonly string[], meanwhile = async () => undefined as void) {
    return inTransaction(pool, async (tx) => {
      await claim(tx, NODE, LIFE, new Map(legIds.map((legId) => [legId, recoveryId])));
      await meanwhile();
      const legs = legIds.map((legId) => legRow(recoveryId, legId));
      await writeReadSide(tx, { rows: [{ recovery: row(recoveryId), legs }], set: [], cleared: [] });
    });
  }

  it('each its own calls: both go in', async () => {
    await plan('r1', ['a', 'b']);
    await plan('r2', ['c']);
    await plan('r1', ['a', 'b']);
  });

  it('a leg in calls of different names: the second waits for the first, and has to plan again', async () => {
    let second: Promise<unknown> | undefined;
    await plan('r1', ['a', 'b'], async () => {
      second = plan('r2', ['b']).catch((error: unknown) => error);
      for (let waiting = 0; waiting === 0;) {
        const { rows } = await pool.query<{ count: number }>(
          `select count(*)::int as count from pg_locks where locktype = 'advisory' and not granted`,
        );
        waiting = rows[0]?.count ?? 0;
      }
    });
    expect(await second).toEqual(CLAIMED);
  });

  it('a call of which the other knew fewer legs: the leg that was left out is planned again, not forgotten', async () => {
    await plan('r1', ['a']);
    await expect(plan('r1', ['a', 'b'])).rejects.toEqual(CLAIMED);
    await plan('r2', ['b']);
  });

  it('a channel with which the recovery goes on that had brought it there: it stays with that', async () => {
    const ours = 'reinvite-aaaaaaaaaaaaaaaaaaaa-0-1';
    await pool.query(`insert into recoveries (recovery_id, call_id, node_id, incarnation, trigger, call_kind, attempts,
      detected_at, planned_at, target, target_incarnation)
      values ('before', 'c', 'ast0', 'earlier', 'node-down', 'stasis', 1, now(), now(), '${NODE}', '${LIFE}')`);
    await pool.query(`insert into recovery_legs (recovery_id, leg_id, attempt, call_id, channel_id, target, endpoint, sip_call_id,
      planned_at) values ('before', 'x', 1, 'c', '${ours}', '${NODE}', 'edge', 'x@phone', now())`);
    await plan('r2', [ours]);
    await pool.query(`delete from recoveries where recovery_id = 'r2'`);
    const store = new EventStore({ pool, codec: new EventCodec({ schema: recoveryEvent }) });
    const died: RecoveryEvent = {
      type: 'TargetDied',
      recoveryId: 'before',
      callId: 'c',
      nodeId: 'ast0',
      incarnation: 'earlier',
      at: 2,
      attempt: 1,
      target: NODE,
      takenOver: [],
    };
    const events: [{ id: string; event: RecoveryEvent }] = [{ id: randomUUID(), event: died }];
    await store.append({ streamId: recoveryStream('before'), expectedVersion: 0, events });
    await expect(plan('r2', [ours])).rejects.toEqual(CLAIMED);
    expect((await whatIsPlanned(pool, NODE, LIFE)).legIds).toContain(ours);
  });

  it('a channel in a bridge of which no leg was known: its leg, told of later, is planned', async () => {
    await plan('r1', ['a', 'late']);
    await pool.query(
      `update recovery_legs set outcome = 'skipped', reason = 'leg-not-pjsip' where leg_id = 'late'`,
    );
    expect((await whatIsPlanned(pool, NODE, LIFE)).legIds).toEqual(new Set(['a']));
    await plan('r2', ['late']);
  });

  it('calls of another life do not matter', async () => {
    await plan('r1', ['a']);
    await pool.query(`update recoveries set incarnation = 'another'`);
    await plan('r2', ['a']);
    const { rows } = await pool.query('select 1 from recoveries');
    expect(rows).toHaveLength(2);
  });
});

function row(recoveryId: string): RecoveryRow {
  return {
    recovery_id: recoveryId,
    call_id: `call of ${recoveryId}`,
    node_id: NODE,
    incarnation: LIFE,
    trigger: 'node-down',
    request_key: null,
    call_kind: 'stasis',
    detected_at: 1,
    planned_at: 1,
    target: null,
    target_incarnation: null,
    attempts: 0,
    outcome: null,
    reason: null,
    first_originated_at: null,
    answered_at: null,
    joined_at: null,
    completed_at: null,
  };
}

function legRow(recoveryId: string, legId: string) {
  return {
    recovery_id: recoveryId,
    leg_id: legId,
    attempt: 0,
    call_id: `call of ${recoveryId}`,
    channel_id: null,
    target: null,
    endpoint: 'edge',
    sip_call_id: `${legId}@phone`,
    cseq: null,
    origin: null,
    planned_at: 1,
    outcome: null,
    reason: null,
    originated_at: null,
    answered_at: null,
    ended_at: null,
  };
}
