import { connectPool, inTransaction, type Pool } from '@reinvite/db';
import type { RecoveryEvent } from '@reinvite/domain';
import { evolve, unplanned } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { startBackends } from '@reinvite/test-support';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { foldFacts } from '../src/call-records/fold.js';
import { pruneCallRecords } from '../src/call-records/prune.js';
import { closeIncarnation } from '../src/call-records/read.js';
import { writeChanges } from '../src/call-records/write.js';
import { rowsOf } from '../src/recoveries/read-rows.js';
import { writeReadSide } from '../src/recoveries/write-read-side.js';
import { bridge, leg, legGone, sequenced } from './call-records/facts.js';

const log = createLogger('test', 'silent');
const DIED_AT = 60_000;
const TARGET = { attempt: 1, target: 'ast2' };

const rec = (name: string, startedAt: number) => ({ name, format: 'wav', startedAt });

/** A call with one leg on ast1 that was being recorded, and goes on on ast2. */
function story(name: string, part: number, recoveryId = 'r1'): RecoveryEvent[] {
  const of = { recoveryId, callId: 'call', nodeId: 'ast1', incarnation: '1000' };
  const from = { name: part === 2 ? name : `${name}-${part - 1}`, startedAt: 10_000 };
  const resume = { recordings: [{ name: `${name}-${part}`, format: 'wav', recording: name, part, from }] };
  const leg_ = {
    legId: 'a',
    sipCallId: 'a@phone',
    endpoint: 'edge',
    place: { kind: 'stasis' as const, app: 'demo' },
    dialog: {},
    callerId: '',
    accountCode: '',
    language: '',
    resume,
  };
  const channel = { legId: 'a', channelId: `${recoveryId}-channel` };
  const limits = { maxAttempts: 2, attemptTimeoutMs: 8_000 };
  const plan: RecoveryEvent = {
    type: 'RecoveryPlanned',
    ...of,
    trigger: { kind: 'node-down', evidence: 'process-gone', at: DIED_AT },
    kind: 'stasis',
    join: { kind: 'none' },
    legs: [leg_],
    skipped: [],
    limits,
    at: DIED_AT + 40,
  };
  return [
    plan,
    {
      type: 'AttemptStarted',
      ...of,
      ...TARGET,
      targetIncarnation: '2000',
      legs: [channel],
      notAfter: DIED_AT + 8_000,
      deadlineAt: DIED_AT + 9_000,
      at: DIED_AT + 40,
    },
    { type: 'LegAnswered', ...of, ...TARGET, ...channel, at: DIED_AT + 300 },
    { type: 'RecoveryCompleted', ...of, outcome: 'recovered', reason: null, at: DIED_AT + 300 },
    {
      type: 'LegResumed',
      ...of,
      ...TARGET,
      ...channel,
      restored: [`recording:${name}-${part}`],
      notRestored: [],
      at: DIED_AT + 350,
    },
  ];
}

describe('recordings on record, on a real Postgres', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let pool: Pool;

  beforeEach(async () => {
    backends = await startBackends();
    pool = connectPool(backends.postgresUrl, { applicationName: 'reinvite-test', log });
  });
  afterEach(async () => {
    await pool.end();
    await backends.stop();
  });

  const facts = (...batch: Parameters<typeof sequenced>[0]) =>
    inTransaction(pool, (tx) => writeChanges(tx, foldFacts(sequenced([...batch]))));
  const events = (all: readonly RecoveryEvent[], since: number) =>
    inTransaction(pool, (tx) => {
      const [plan] = all;
      if (plan?.type !== 'RecoveryPlanned') throw new Error('a story begins with its plan');
      const after = all.reduce(evolve, unplanned);
      return writeReadSide(tx, { rows: [rowsOf(plan, all.slice(since), after)], set: [], cleared: [] });
    });
  const parts = async () => {
    const query = 'select * from recording_parts order by recording, part';
    return (await pool.query<Record<string, unknown>>(query)).rows;
  };

  it('begin and end as the agent tells, several at one target, of legs and bridges', async () => {
    await facts(
      leg('a', 10_000, { activity: { recordings: [rec('one', 9_000), rec('two', 9_500)] } }),
      bridge('b', 10_000, ['a'], { activity: { recordings: [rec('both', 9_900)] } }),
    );
    expect(await parts()).toMatchObject([
      { recording: 'both', target_id: 'b', started_at: new Date(9_900), ended_at: null, part: 1, cut: false },
      { recording: 'one', target_id: 'a', ended_at: null },
      { recording: 'two', target_id: 'a', ended_at: null },
    ]);
    await facts(leg('a', 12_000, { activity: { recordings: [rec('two', 9_500)] } }));
    await facts(legGone('a', 15_000));
    expect((await parts()).map(({ recording, ended_at }) => [recording, ended_at])).toEqual([
      ['both', null],
      ['one', new Date(12_000)],
      ['two', new Date(15_000)],
    ]);
  });

  it('are cut with their node, whether or not they go on', async () => {
    await facts(leg('a', 10_000, { activity: { recordings: [rec('one', 9_000)] } }));
    await inTransaction(pool, (tx) => closeIncarnation(tx, 'ast1', '1000', DIED_AT));
    expect(await parts()).toMatchObject([{ recording: 'one', ended_at: new Date(DIED_AT), cut: true }]);
  });

  it('go on in a part on another node, tied to the first with the gap between them, over a second crash too', async () => {
    await facts(leg('a', 10_000, { activity: { recordings: [rec('one', 10_000)] } }));
    const first = story('one', 2);
    await events(first.slice(0, 1), 0);
    await inTransaction(pool, (tx) => closeIncarnation(tx, 'ast1', '1000', DIED_AT + 100));
    await events(first, 4);
    const life = { nodeId: 'ast2', incarnation: '2000' };
    await facts({
      ...leg('r1-channel', 61_000, { activity: { recordings: [rec('one-2', 60_340)] } }),
      ...life,
    });
    expect(await parts()).toMatchObject([
      {
        recording: 'one',
        part: 1,
        name: 'one',
        node_id: 'ast1',
        cut: true,
        ended_at: new Date(DIED_AT),
        gap_ms: null,
      },
      {
        recording: 'one',
        part: 2,
        name: 'one-2',
        node_id: 'ast2',
        cut: false,
        ended_at: null,
        gap_ms: '350',
      },
    ]);
    await facts({ ...legGone('r1-channel', 70_000), ...life });
    expect(await parts()).toMatchObject([
      { call_id: 'call' },
      { ended_at: new Date(70_000), call_id: 'call' },
    ]);
  });

  it('are forgotten a day after their end, save those in parts', async () => {
    const recorded = { activity: { recordings: [rec('whole', 10_000), rec('one', 10_000)] } };
    await facts(leg('a', 10_000, recorded));
    await facts(leg('a', 11_000, { activity: { recordings: [rec('one', 10_000)] } }));
    await facts(leg('b', 10_000, { activity: { recordings: [rec('goes on', 10_000)] } }));
    await events(story('one', 2), 0);
    const names = async () => (await parts()).map(({ name }) => name);
    expect(await names()).toEqual(['goes on', 'one', 'one-2', 'whole']);
    await pruneCallRecords(pool);
    expect(await names()).toEqual(['goes on', 'one', 'one-2']);
  });

  it('are the same when everything is told twice, and in another order', async () => {
    const life = { nodeId: 'ast2', incarnation: '2000' };
    const told = story('one', 2);
    await facts({
      ...leg('r1-channel', 61_000, { activity: { recordings: [rec('one-2', 60_340)] } }),
      ...life,
    });
    await events(told, 0);
    const once = await parts();
    await events(told, 0);
    await facts({
      ...leg('r1-channel', 61_000, { activity: { recordings: [rec('one-2', 60_340)] } }),
      ...life,
    });
    expect(await parts()).toEqual(once);
    expect(once.map(({ recording, part, name }) => [recording, part, name])).toEqual([
      ['one', 1, 'one'],
      ['one', 2, 'one-2'],
    ]);
  });
});
