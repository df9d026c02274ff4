import { database, inTransaction } from '@reinvite/db';
import { eventually } from '@reinvite/test-support';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockPlans } from '../src/planning/claim.js';
import { bridge, Cluster, leg, lifeOf, type AuditRow } from './support/cluster.js';

describe('another attempt, on real Postgres and NATS', () => {
  let cluster: Cluster;

  beforeEach(async () => {
    cluster = await Cluster.start();
    cluster.beats('ast1');
    cluster.beats('ast2');
    cluster.beats('ast3');
  });
  afterEach(() => cluster.stop());

  const ended = (count: number): Promise<AuditRow[]> =>
    eventually(`${count} outcomes`, async () => {
      const rows = await cluster.audit();
      return rows.filter((row) => row.outcome !== 'under way').length === count && rows;
    });
  const timeline = async (): Promise<string[]> => {
    const { rows } = await database(cluster.pool).execute<{ event: string }>(
      sql`select event from audit_timeline where recovery_id is not null order by position`,
    );
    return rows.map(({ event }) => event);
  };
  const crash = async (...ids: string[]): Promise<void> => {
    const legs = ids.map((id) => leg('ast1', id));
    await cluster.ledgerHas(legs);
    await cluster.dies('ast1', await cluster.observe(...legs));
  };

  const somebodyWaitsFor = (lock: string): Promise<boolean> =>
    eventually('somebody to wait', async () => {
      const { rows } = await cluster.pool.query(
        `select 1 from pg_locks where locktype = '${lock}' and not granted`,
      );
      return rows.length > 0;
    });

  it('is made by the same node when the phone had a re-INVITE of its own under way, and not before its time', async () => {
    cluster.replica();
    cluster.worker.manner = ({ attempt }) => (attempt === 1 ? 'phone-collides' : 'answers');
    await crash('one');
    expect(await ended(1)).toMatchObject([{ outcome: 'recovered', attempts: 2 }]);
    const [first, second] = cluster.worker.commands;
    expect(second?.target).toBe(first?.target);
    expect(second?.legs[0]?.variables).toMatchObject({ PJSIP_RECOVERY_CSEQ: '1012' });
    const { rows } = await database(cluster.pool).execute<{ ms: number }>(
      sql`select extract(epoch from max(at) filter (where event = 'AttemptStarted') - max(at) filter (where event = 'LegRefused')) * 1000 as ms
          from audit_timeline`,
    );
    expect(Number(rows[0]?.ms)).toBeGreaterThanOrEqual(
      first?.legs[0]?.variables['PJSIP_RECOVERY_ROLE'] === 'uas' ? 0 : 2_100,
    );
    expect(await timeline()).toContain('AttemptAwaited');
  });

  it('is made by another node as soon as the first is known to have died over it', async () => {
    cluster.replica({ attemptTimeoutMs: 60_000 });
    cluster.worker.manner = ({ attempt }) => (attempt === 1 ? 'silent' : 'answers');
    await crash('one', 'two');
    const given = await eventually('the commands', () => {
      const { commands } = cluster.worker;
      return commands.length === 2 && commands.map(({ target }) => target);
    });
    expect(new Set(given)).toEqual(new Set(['ast2', 'ast3']));
    await cluster.dies('ast2', null);
    const back = await eventually('the call of ast2', async () =>
      (await cluster.audit()).find(({ outcome }) => outcome === 'recovered'),
    );
    expect(back).toMatchObject({ target: 'ast3', attempts: 2 });
    expect((await cluster.audit()).map(({ outcome }) => outcome).sort()).toEqual(['recovered', 'under way']);
  });

  it('is made by another node also when it began on one of whose death only another replica had heard', async () => {
    cluster.replica({ attemptTimeoutMs: 60_000 });
    cluster.beats('ast3', { liveChannels: 50 });
    cluster.worker.manner = ({ target }) => (target === 'ast2' ? 'silent' : 'answers');
    await database(cluster.pool).execute(
      sql`insert into node_incarnations (node_id, incarnation, first_seen_at, closed_at)
          values ('ast2', ${lifeOf('ast2')}, now(), now())`,
    );
    await crash('one');
    expect(await ended(1)).toMatchObject([{ outcome: 'recovered', target: 'ast3', attempts: 2 }]);
    expect(cluster.worker.commands.map(({ target }) => target)).toEqual(['ast2', 'ast3']);
  });

  it('is not made of a leg that had come back on the node that died: its own recovery has it', async () => {
    cluster.replica({ attemptTimeoutMs: 60_000 });
    cluster.worker.manner = ({ callId, attempt, target }) =>
      callId === 'one@phone' && attempt === 1 && target !== 'ast3' ? 'silent' : 'answers';
    cluster.beats('ast3', { liveChannels: 50 });
    await crash('one');
    const command = await eventually('the command', () => cluster.worker.commands[0]);
    expect(command.target).toBe('ast2');
    // The phone has answered there, and nobody but the node itself has told so.
    const channelId = command.legs[0]?.channelId ?? '';
    const back = leg('ast2', channelId, { channelId, sipCallId: 'one@phone' });
    await cluster.ledgerHas([back]);
    await cluster.dies('ast2', await cluster.observe(back));
    const rows = await ended(2);
    expect(
      rows.map(({ node_id, outcome, reason, target }) => [node_id, outcome, reason, target]).sort(),
    ).toEqual([
      ['ast1', 'failed', 'target-lost', 'ast2'],
      ['ast2', 'recovered', null, 'ast3'],
    ]);
    expect(cluster.worker.commands).toHaveLength(2);
  });

  it('is made of a call that came back in the moment in which its node died, after anybody had looked', async () => {
    cluster.replica({ attemptTimeoutMs: 60_000 });
    cluster.beats('ast3', { liveChannels: 50 });
    cluster.worker.manner = ({ target }) => (target === 'ast2' ? 'silent' : 'answers');
    await crash('one');
    const command = await eventually('the command', () => cluster.worker.commands[0]);
    expect(command.target).toBe('ast2');
    await inTransaction(cluster.pool, async (tx) => {
      await tx.execute(sql`lock table node_incarnations in share row exclusive mode`);
      await cluster.dies('ast2', null);
      // All has been looked for, and the records are about to be closed.
      await somebodyWaitsFor('relation');
      await cluster.worker.answer(command);
      await eventually('the answer', async () => (await cluster.audit())[0]?.outcome === 'recovered');
    });
    const rows = await ended(2);
    expect(rows.map(({ node_id, outcome, target }) => [node_id, outcome, target]).sort()).toEqual([
      ['ast1', 'recovered', 'ast2'],
      ['ast2', 'recovered', 'ast3'],
    ]);
    expect(cluster.worker.commands.map(({ target }) => target)).toEqual(['ast2', 'ast3']);
  });

  it('is all that is made of a call that was on its way to the node that died: that one has no outcome for it', async () => {
    cluster.replica({ attemptTimeoutMs: 60_000 });
    cluster.beats('ast3', { liveChannels: 50 });
    cluster.worker.manner = ({ target }) => (target === 'ast2' ? 'silent' : 'answers');
    await crash('one');
    const command = await eventually('the command', () => cluster.worker.commands[0]);
    const channelId = command.legs[0]?.channelId ?? '';
    // As an agent tells of a channel that has just begun, and of one that nothing is known of.
    const begun = leg('ast2', channelId, { channelId, sipCallId: '', state: 'Down' });
    await cluster.dies('ast2', await cluster.observe(begun, leg('ast2', 'own', { sipCallId: '' })));
    const rows = await ended(2);
    expect(rows.map(({ node_id, outcome, reason }) => [node_id, outcome, reason]).sort()).toEqual([
      ['ast1', 'recovered', null],
      ['ast2', 'skipped', 'dialog-unknown'],
    ]);
    expect(cluster.worker.commands).toHaveLength(2);
  });

  it('is not made while somebody plans the calls of the node that died, and not of what that has taken over', async () => {
    cluster.replica({ attemptTimeoutMs: 60_000 });
    cluster.beats('ast3', { liveChannels: 50 });
    cluster.worker.manner = ({ target }) => (target === 'ast2' ? 'silent' : 'answers');
    await crash('one');
    const command = await eventually('the command', () => cluster.worker.commands[0]);
    const { channelId = '', legId } = command.legs[0] ?? {};
    await inTransaction(cluster.pool, async (tx) => {
      await lockPlans(tx, 'ast2', lifeOf('ast2'));
      await cluster.dies('ast2', null);
      await somebodyWaitsFor('advisory');
      await tx.execute(sql`
        insert into recoveries (recovery_id, call_id, node_id, incarnation, trigger, call_kind, attempts, detected_at, planned_at)
        values ('other', 'one@phone', 'ast2', ${lifeOf('ast2')}, 'node-down', 'stasis', 0, now(), now())`);
      await tx.execute(sql`
        insert into recovery_legs (recovery_id, leg_id, attempt, call_id, endpoint, sip_call_id, planned_at)
        values ('other', ${channelId}, 0, 'one@phone', 'edge', 'one@phone', now())`);
    });
    const [row] = await eventually('the outcome', async () => {
      const found = await cluster.audit();
      return found.filter(({ outcome }) => outcome === 'failed').length === 1 && found;
    });
    expect(row).toMatchObject({ call_id: 'one@phone' });
    const { rows } = await cluster.pool.query<{ taken: unknown }>(
      `select data -> 'takenOver' as taken from events where type = 'TargetDied'`,
    );
    expect(rows).toEqual([{ taken: [legId] }]);
    expect(cluster.worker.commands).toHaveLength(1);
  });

  it('is waited for where no node is fit, and the first one that is takes the call whole', async () => {
    cluster.replica();
    cluster.beats('ast2', { recoveryModule: false });
    cluster.beats('ast3', { asterisk: 'starting' });
    const pair = [leg('ast1', 'a'), leg('ast1', 'b', { createdAt: 1_100 })];
    await cluster.ledgerHas(pair);
    await cluster.dies('ast1', await cluster.observe(...pair, bridge('ast1', 'b1', ['a', 'b'])));
    await eventually('the wait', async () => (await timeline()).includes('AttemptAwaited'));
    expect(await cluster.audit()).toMatchObject([{ outcome: 'under way', legs_total: '2' }]);
    cluster.beats('ast3');
    expect(await ended(1)).toMatchObject([{ outcome: 'recovered', target: 'ast3', legs_total: '2' }]);
  });

  it.each([
    ['whose legs had come back and were not joined yet', 'joins-nothing', 'Up'],
    ['of which one leg had come back, and the other waited for its phone', 'one-answers', 'Ring'],
  ] as const)('of a call %s joins them on the third node', async (_, manner, state) => {
    cluster.replica({ attemptTimeoutMs: 60_000 });
    cluster.beats('ast3', { liveChannels: 50 });
    cluster.worker.manner = ({ target }) => (target === 'ast2' ? manner : 'answers');
    const pair = [leg('ast1', 'a'), leg('ast1', 'b', { createdAt: 1_100 })];
    await cluster.ledgerHas(pair);
    await cluster.dies('ast1', await cluster.observe(...pair, bridge('ast1', 'b1', ['a', 'b'])));
    const [first] = await eventually(
      'the command',
      () => cluster.worker.commands.length > 0 && cluster.worker.commands,
    );
    const back = (first?.legs ?? []).map(({ legId, channelId }, n) =>
      leg('ast2', channelId, {
        channelId,
        sipCallId: `${legId}@phone`,
        createdAt: 2_000 + n,
        ...(n === 0 ? {} : { state }),
      }),
    );
    expect(back).toHaveLength(2);
    await cluster.ledgerHas(back);
    await cluster.dies('ast2', await cluster.observe(...back));
    const again = await eventually('the command for the third node', () =>
      cluster.worker.commands.find(({ target }) => target === 'ast3'),
    );
    expect(again).toMatchObject({ callId: 'a@phone', join: first?.join });
    expect(again.legs.map(({ legId }) => legId)).toEqual(back.map(({ channelId }) => channelId));
  });
});
