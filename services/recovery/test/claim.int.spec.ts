import { connectPool, inTransaction, type Pool } from '@reinvite/db';
import { createLogger } from '@reinvite/runtime';
import { startBackends } from '@reinvite/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { claim } from '../src/planning/claim.js';
import type { RecoveryRow } from '../src/recoveries/read-rows.js';
import { writeReadSide } from '../src/recoveries/write-read-side.js';

const RESTRAINED = expect.objectContaining({ code: 'RECOVERY_RESTRAINED' }) as unknown;
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
    expect(await second).toEqual(RESTRAINED);
  });

  it('a call of which the other knew fewer legs: the leg that was left out is planned again, not forgotten', async () => {
    await plan('r1', ['a']);
    await expect(plan('r1', ['a', 'b'])).rejects.toEqual(RESTRAINED);
    await plan('r2', ['b']);
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
