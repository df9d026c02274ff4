import { database } from '@reinvite/db';
import { eventually } from '@reinvite/test-support';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bridge, Cluster, dialPair, leg, lifeOf, type AuditRow } from './support/cluster.js';

describe('recovery, on real Postgres and NATS', () => {
  let cluster: Cluster;

  beforeEach(async () => {
    cluster = await Cluster.start();
    cluster.beats('ast1');
    cluster.beats('ast2');
    cluster.beats('ast3');
  });
  afterEach(() => cluster.stop());

  /** The audit once it has that many recoveries, all ended. */
  const ended = (count: number): Promise<AuditRow[]> =>
    eventually(`${count} outcomes`, async () => {
      const rows = await cluster.audit();
      return rows.filter((row) => row.outcome !== 'under way').length === count && rows;
    });

  it('brings back calls of every kind, and shows each in the audit', async () => {
    cluster.replica();
    const alone = leg('ast1', 'app');
    const pair = [leg('ast1', 'a'), leg('ast1', 'b', { createdAt: 1_100 })];
    const [caller, callee, dialBridge] = dialPair('ast1', 'dial', 'PJSIP/edge/sip:phone-1@edge,30,g');
    const plain = leg('ast1', 'echo', {
      stasisApp: null,
      dialplan: { context: 'from-edge', extension: 'echo', priority: 2, appName: 'Echo', appData: '' },
    });
    const legs = [alone, ...pair, caller, callee, plain];
    await cluster.ledgerHas(legs);
    const seq = await cluster.observe(...legs, bridge('ast1', 'b1', ['a', 'b']), dialBridge);
    await cluster.dies('ast1', seq);

    const rows = await ended(4);
    expect(rows.map((row) => [row.call_id, row.call_kind, row.outcome, row.reason])).toEqual([
      ['a@phone', 'ari-bridge', 'recovered', null],
      ['app@phone', 'stasis', 'recovered', null],
      ['dial-caller@phone', 'dial', 'recovered', null],
      ['echo@phone', 'dialplan', 'recovered', null],
    ]);
    const byCall = new Map(cluster.worker.commands.map((command) => [command.callId, command]));
    expect(byCall.get('a@phone')?.join).toEqual({
      kind: 'ari-bridge',
      bridgeId: 'b1',
      bridgeType: 'mixing',
      name: 'pair',
    });
    const [first] = byCall.get('app@phone')?.legs ?? [];
    expect(first?.requestUri).toBe('sip:phone@10.0.0.9:5060');
    expect(first?.variables).toMatchObject({
      'PJSIP_RECOVERY_CALL-ID': 'app@phone',
      PJSIP_RECOVERY_FROM_TAG: 'local-app@phone',
      PJSIP_RECOVERY_CSEQ: '12',
      PJSIP_RECOVERY_ROUTES: '<sip:10.0.0.1;lr>',
    });
    expect(byCall.get('dial-caller@phone')?.legs[0]?.variables).toMatchObject({
      REINVITE_DIAL_CONTINUE: '1',
    });
    expect(cluster.worker.commands.every(({ target }) => ['ast2', 'ast3'].includes(target))).toBe(true);
  });

  it('leaves alone what has no confirmed dialog, and says why', async () => {
    cluster.replica();
    const legs = ['lives', 'rings', 'over', 'unknown'].map((id) => leg('ast1', id));
    const [lives, rings, over] = legs;
    if (lives === undefined || rings === undefined || over === undefined) throw new Error('legs');
    await cluster.ledgerHas([lives]);
    await cluster.ledgerHas([rings], { state: 'early' });
    await cluster.ledgerHas([over], { state: 'ended' });
    await cluster.dies('ast1', await cluster.observe(...legs));
    const rows = await ended(4);
    expect(rows.map((row) => [row.call_id, row.outcome, row.reason])).toEqual([
      ['lives@phone', 'recovered', null],
      ['over@phone', 'skipped', 'dialog-ended'],
      ['rings@phone', 'skipped', 'dialog-early'],
      ['unknown@phone', 'skipped', 'dialog-unknown'],
    ]);
    expect(cluster.worker.commands).toHaveLength(1);
  });

  it('plans a death that is told twice, to two replicas, once', async () => {
    cluster.replica();
    cluster.replica();
    const legs = Array.from({ length: 120 }, (_, n) => leg('ast1', `call-${n}`));
    await cluster.ledgerHas(legs);
    const seq = await cluster.observe(...legs);
    await Promise.all([cluster.dies('ast1', seq), cluster.dies('ast1', seq)]);
    const rows = await ended(120);
    expect(rows.every((row) => row.outcome === 'recovered')).toBe(true);
    expect(new Set(cluster.worker.commands.map((command) => command.commandId)).size).toBe(120);
    expect(cluster.worker.commands).toHaveLength(120);
  });

  it('goes to another node where nothing was sent, and does not where the phone refused', async () => {
    cluster.replica();
    cluster.worker.manner = (command) =>
      command.callId === 'refused@phone'
        ? 'phone-refuses'
        : command.attempt === 1
          ? 'unreachable'
          : 'answers';
    const legs = [leg('ast1', 'moved'), leg('ast1', 'refused')];
    await cluster.ledgerHas(legs);
    await cluster.dies('ast1', await cluster.observe(...legs));
    const [moved, refused] = await ended(2);
    expect(moved).toMatchObject({ outcome: 'recovered', attempts: 2 });
    expect(refused).toMatchObject({ outcome: 'failed', reason: 'reinvite-rejected', attempts: 1 });
    const targets = cluster.worker.commands
      .filter((command) => command.callId === 'moved@phone')
      .map((command) => command.target);
    expect(new Set(targets).size).toBe(2);
  });

  it('gives an attempt up when nothing is heard of it, and does not repeat it', async () => {
    cluster.replica({ attemptTimeoutMs: 50 });
    cluster.worker.manner = () => 'silent';
    const one = leg('ast1', 'one');
    await cluster.ledgerHas([one]);
    await cluster.dies('ast1', await cluster.observe(one));
    const [row] = await ended(1);
    expect(row).toMatchObject({ outcome: 'failed', reason: 'attempt-timed-out', attempts: 1 });
    expect(cluster.worker.commands).toHaveLength(1);
  });

  it('goes on with what it had begun when it is started again', async () => {
    const stop = cluster.replica();
    cluster.worker.manner = () => 'silent';
    const one = leg('ast1', 'one');
    await cluster.ledgerHas([one]);
    await cluster.dies('ast1', await cluster.observe(one));
    const command = await eventually('the command', () => cluster.worker.commands[0]);
    await stop();
    await cluster.worker.answer(command);
    cluster.replica();
    expect(await ended(1)).toMatchObject([{ outcome: 'recovered' }]);
    expect(cluster.worker.commands).toHaveLength(1);
  });

  it('recovers from the loss of its connections to Postgres', async () => {
    cluster.replica();
    const legs = Array.from({ length: 30 }, (_, n) => leg('ast1', `call-${n}`));
    await cluster.ledgerHas(legs);
    const seq = await cluster.observe(...legs);
    const cut = async (): Promise<unknown> =>
      database(cluster.pool).execute(
        sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'reinvite-recovery'`,
      );
    await eventually('the records', async () => {
      const { rows } = await database(cluster.pool).execute(sql`select 1 from legs`);
      return rows.length === legs.length;
    });
    await Promise.all([cut(), cluster.dies('ast1', seq)]);
    await cut();
    expect((await ended(30)).every((row) => row.outcome === 'recovered')).toBe(true);
    expect(cluster.worker.commands).toHaveLength(30);
  });

  it('recovers a call again when its new node dies, under its first name and to its first place', async () => {
    cluster.replica();
    cluster.beats('ast3', null);
    const [caller, callee, dialBridge] = dialPair('ast1', 'dial', 'PJSIP/edge/sip:phone-1@edge,30,g');
    const legs = [caller, callee];
    await cluster.ledgerHas(legs);
    await cluster.dies('ast1', await cluster.observe(...legs, dialBridge));
    await ended(1);
    const first = cluster.worker.commands[0];
    if (first === undefined) throw new Error('no command');
    expect(first.target).toBe('ast2');

    const again = first.legs.map((attempt, n) =>
      leg('ast2', attempt.channelId, {
        sipCallId: attempt.variables['PJSIP_RECOVERY_CALL-ID'] ?? '',
        // The callee's channel happens to be the older one now.
        createdAt: 5_000 - n,
        stasisApp: null,
        dialplan: {
          context: 'reinvite-recovered',
          extension: n === 0 ? 'dial-caller' : 'dial-callee',
          priority: 1,
          appName: 'RecoveryBridge',
          appData: '',
        },
      }),
    );
    await cluster.ledgerHas(again);
    cluster.beats('ast3');
    const joined = bridge(
      'ast2',
      'again',
      again.map((one) => one.channelId),
      { bridgeClass: 'basic' },
    );
    await cluster.dies('ast2', await cluster.observe(...again, joined));
    const rows = await ended(2);
    expect(rows.map((row) => row.call_id)).toEqual(['dial-caller@phone', 'dial-caller@phone']);
    const second = cluster.worker.commands[1];
    expect(second).toMatchObject({ target: 'ast3', callId: 'dial-caller@phone', join: { kind: 'dialplan' } });
    const callerAgain = second?.legs.find(
      (one) => one.variables['PJSIP_RECOVERY_CALL-ID'] === 'dial-caller@phone',
    );
    expect(callerAgain?.continuation).toMatchObject({ extension: 'dial-caller' });
    expect(callerAgain?.variables).toMatchObject({
      REINVITE_CONTEXT: 'from-edge',
      REINVITE_PRIORITY: '3',
      REINVITE_DIAL_CONTINUE: '1',
    });
  });

  it('recovers a call again though no ledger had seen it come back', async () => {
    cluster.replica();
    const before = leg('ast1', 'a');
    await cluster.ledgerHas([before]);
    await cluster.dies('ast1', await cluster.observe(before));
    const [{ target } = { target: null }] = await ended(1);
    const channelId = cluster.worker.commands[0]?.legs[0]?.channelId ?? '';
    const again = leg(target ?? '', channelId, { channelId, sipCallId: before.sipCallId });
    await cluster.dies(again.nodeId, await cluster.observe(again));
    expect((await ended(2)).map(({ outcome }) => outcome)).toEqual(['recovered', 'recovered']);
    const cseqs = cluster.worker.commands.map(({ legs }) => legs[0]?.variables.PJSIP_RECOVERY_CSEQ);
    expect(cseqs).toEqual(['12', '1012']);
  });

  it.each([
    ['nothing of it', () => []],
    ['only that it was called', (ids: string[]) => ids.map((id) => ringing(id))],
    ['of one leg only', ([one = '']: string[]) => [back(one, 'a')]],
    [
      'of both legs and of their bridge, and not who is in it',
      (ids: string[]) => [...ids.map((id, n) => back(id, 'ab'.charAt(n))), bridge('ast2', 'b1', [])],
    ],
    [
      'of both legs, and not of their bridge',
      (ids: string[]) => ids.map((id, n) => back(id, 'ab'.charAt(n))),
    ],
  ])('recovers a call again of which the agent of its new node told %s', async (_, told) => {
    cluster.replica();
    cluster.beats('ast3', null);
    const before = [leg('ast1', 'a'), leg('ast1', 'b', { createdAt: 1_100 })];
    await cluster.ledgerHas(before);
    await cluster.dies('ast1', await cluster.observe(...before, bridge('ast1', 'b1', ['a', 'b'])));
    await ended(1);
    const channelIds = cluster.worker.commands[0]?.legs.map(({ channelId }) => channelId) ?? [];
    cluster.beats('ast3');
    const heard = told(channelIds);
    await cluster.dies('ast2', heard.length === 0 ? 0 : await cluster.observe(...heard));
    const rows = await ended(2);
    expect(rows.map(({ call_id, outcome }) => [call_id, outcome])).toEqual([
      ['a@phone', 'recovered'],
      ['a@phone', 'recovered'],
    ]);
    const [, second] = cluster.worker.commands;
    expect(second).toMatchObject({ target: 'ast3', join: { kind: 'ari-bridge', bridgeId: 'b1' } });
    expect(second?.legs.map(({ legId, continuation }) => [legId, continuation.kind]).sort()).toEqual(
      channelIds.map((channelId) => [channelId, 'stasis']).sort(),
    );
  });

  it('leaves a leg alone that came back and of which nothing is told any more', async () => {
    cluster.replica();
    cluster.beats('ast3', null);
    const before = leg('ast1', 'a');
    await cluster.ledgerHas([before]);
    await cluster.dies('ast1', await cluster.observe(before));
    await ended(1);
    cluster.beats('ast3');
    // Its records have been removed; of another leg something was told later.
    const later = leg('ast2', 'z', { at: Date.now() + 60_000 });
    await cluster.ledgerHas([later]);
    await cluster.dies('ast2', await cluster.observe(later));
    expect((await ended(2)).map(({ call_id }) => call_id)).toEqual(['a@phone', 'z@phone']);
  });

  it('does not dial phones of a death that it learns of long afterwards', async () => {
    cluster.replica();
    const one = leg('ast1', 'one');
    await cluster.ledgerHas([one]);
    const seq = await cluster.observe(one);
    await cluster.dies('ast1', seq, { at: Date.now() - 3_600_000 });
    expect(await ended(1)).toMatchObject([{ outcome: 'skipped', reason: 'too-late' }]);
  });

  it('says that there is no target where no node is healthy, nor gets so in time', async () => {
    cluster.replica({ targetWaitMs: 600 });
    cluster.beats('ast2', { recoveryModule: false });
    cluster.beats('ast3', { incarnation: null, asterisk: 'starting' });
    const one = leg('ast1', 'one');
    await cluster.ledgerHas([one]);
    await cluster.dies('ast1', await cluster.observe(one));
    expect(await ended(1)).toMatchObject([{ outcome: 'skipped', reason: 'no-target' }]);
  });

  it('closes the records of a dead node when all of it is planned', async () => {
    cluster.replica();
    const one = leg('ast1', 'one');
    await cluster.ledgerHas([one]);
    await cluster.dies('ast1', await cluster.observe(one));
    await ended(1);
    await eventually('the records to be closed', async () => {
      const { rows } = await database(cluster.pool).execute(
        sql`select 1 from node_incarnations where incarnation = ${lifeOf('ast1')} and closed_at is not null`,
      );
      return rows.length === 1;
    });
  });
});

/** The first that is told of a channel which ARI originates. */
function ringing(channelId: string) {
  const dialplan = { context: 'default', extension: 's', priority: 1, appName: 'AppDial2', appData: '' };
  return leg('ast2', channelId, { channelId, sipCallId: '', state: 'Down', stasisApp: null, dialplan });
}

function back(channelId: string, legId: string) {
  return leg('ast2', channelId, { channelId, sipCallId: `${legId}@phone` });
}
