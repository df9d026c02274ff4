import { subjects } from '@reinvite/bus';
import { database } from '@reinvite/db';
import { alarm, operatorReply, type Alarm, type OperatorReply } from '@reinvite/domain';
import { eventually } from '@reinvite/test-support';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cluster, leg, lifeOf, type AuditRow } from './support/cluster.js';

const ari = { url: 'http://127.0.0.1:8088', username: 'unused', password: 'unused' };
const nodes = ['ast1', 'ast2', 'ast3'].map((id, n) => ({ id, sipAddresses: [`127.0.0.${n + 1}`], ari }));

describe('what keeps recovery from making it worse, on real Postgres and NATS', () => {
  let cluster: Cluster;
  let alarms: Alarm[];

  beforeEach(async () => {
    cluster = await Cluster.start();
    for (const { id } of nodes) cluster.beats(id);
    alarms = [];
    cluster.bus.subscribe('reinvite.alarm.*', alarm, (one) => void alarms.push(one));
  });
  afterEach(() => cluster.stop());

  const rows = (count: number, isThere: (row: AuditRow) => boolean): Promise<AuditRow[]> =>
    eventually(`${count} recoveries`, async () => {
      const found = await cluster.audit();
      return found.filter(isThere).length === count && found;
    });
  const ended = (count: number): Promise<AuditRow[]> => rows(count, ({ outcome }) => outcome !== 'under way');
  const operator = (command: Record<string, unknown>): Promise<OperatorReply> =>
    eventually('an answer', async () => {
      const whole = { requestedBy: 'alice', reason: 'test', ...command };
      return cluster.bus
        .request(subjects.operatorRecovery, whole, operatorReply, 5_000)
        .catch(() => undefined);
    });
  const stop = () => operator({ type: 'StopRecovery', reason: 'upgrade' });
  const resume = () => operator({ type: 'ResumeRecovery' });
  const view = async (name: string): Promise<Record<string, unknown>[]> =>
    (await database(cluster.pool).execute(sql.raw(`select * from ${name}`))).rows;

  /** As the sentinel does it: recorded, then told. */
  async function crashOf(nodeId: string, ...legs: ReturnType<typeof leg>[]): Promise<void> {
    if (legs.length > 0) await cluster.ledgerHas(legs);
    const seq = legs.length === 0 ? null : await cluster.observe(...legs);
    await cluster.records(nodeId);
    await cluster.dies(nodeId, seq);
  }

  describe('an operator stops it', () => {
    it('and calls of a dead node are left alone with that reason; the next ones after it goes on are not', async () => {
      cluster.replica({}, { nodes });
      expect(await stop()).toMatchObject({
        status: 'done',
        changed: true,
        control: { stopped: { requestedBy: 'alice', reason: 'upgrade' } },
      });
      expect(await stop()).toMatchObject({ status: 'done', changed: false });
      await crashOf('ast1', leg('ast1', 'one'));
      expect(await ended(1)).toMatchObject([{ outcome: 'skipped', reason: 'recovery-stopped' }]);
      expect(cluster.worker.commands).toEqual([]);

      expect(await resume()).toMatchObject({ changed: true, control: { stopped: null } });
      await crashOf('ast2', leg('ast2', 'two'));
      const found = await ended(2);
      expect(found.find(({ node_id }) => node_id === 'ast2')).toMatchObject({ outcome: 'recovered' });
      expect(alarms.map(({ kind }) => kind)).toEqual(['recovery-stopped', 'recovery-resumed']);
      expect((await view('audit_control')).map((row) => [row.event, row.requested_by, row.reason])).toEqual([
        ['RecoveryResumed', 'reinvite migrate', 'installed'],
        ['RecoveryStopped', 'alice', 'upgrade'],
        ['RecoveryResumed', 'alice', 'test'],
      ]);
    });

    it('and it stays so across a restart, on every replica, also for those who ask', async () => {
      const end = cluster.replica({}, { nodes });
      await stop();
      await end();
      cluster.replica({}, { nodes });
      cluster.replica({}, { nodes });
      await crashOf('ast1', leg('ast1', 'one'));
      expect(await ended(1)).toMatchObject([{ outcome: 'skipped', reason: 'recovery-stopped' }]);
      expect(await cluster.request({ nodeId: 'ast1' })).toMatchObject({
        status: 'refused',
        code: 'RECOVERY_STOPPED',
      });
    });

    it('and a call that waited for a node is given up, nothing of it having been dialled', async () => {
      cluster.beats('ast2', null);
      cluster.beats('ast3', null);
      cluster.replica({}, { nodes });
      await crashOf('ast1', leg('ast1', 'one'));
      await rows(1, ({ outcome }) => outcome === 'under way');
      expect(await stop()).toMatchObject({ calls: 1 });
      cluster.beats('ast2');
      expect(await ended(1)).toMatchObject([{ outcome: 'skipped', reason: 'recovery-stopped' }]);
      expect(cluster.worker.commands).toEqual([]);
    });
  });

  describe('more than half of the nodes die at once', () => {
    it('and the calls of the second wait until the operator lets them go; those of the first go on', async () => {
      // The first call goes to the third node.
      cluster.beats('ast2', { liveChannels: 50 });
      cluster.replica({}, { nodes });
      await crashOf('ast1', leg('ast1', 'one'));
      await ended(1);
      await crashOf('ast2', leg('ast2', 'two'));
      await rows(2, () => true);
      const status = await operator({ type: 'AskStatus', requestedBy: undefined, reason: undefined });
      expect(status).toMatchObject({
        status: 'status',
        recovery: {
          control: { massFailure: { dead: ['ast1', 'ast2'], nodes: 3 } },
          held: [{ callId: 'two@phone', nodeId: 'ast2', reason: 'mass-failure' }],
        },
      });
      expect(cluster.worker.commands.map(({ callId }) => callId)).toEqual(['one@phone']);
      expect(alarms).toMatchObject([{ kind: 'mass-failure', nodeId: 'ast2' }]);

      expect(await resume()).toMatchObject({ changed: true, calls: 1, control: { massFailure: null } });
      const found = await ended(2);
      expect(found.map(({ call_id, outcome, target }) => [call_id, outcome, target])).toEqual([
        ['one@phone', 'recovered', 'ast3'],
        ['two@phone', 'recovered', 'ast3'],
      ]);
      expect(await view('audit_quarantine')).toMatchObject([
        { call_id: 'two@phone', reason: 'mass-failure', released_by: 'alice', outcome: 'recovered' },
      ]);
    });

    it('and they are given up with that reason where nobody answers in time', async () => {
      cluster.replica({}, { nodes, recovery: { massFailure: { holdMs: 1_500 } } });
      await crashOf('ast1');
      await eventually('the first death', async () => (await view('audit_nodes')).length === 1);
      await crashOf('ast2', leg('ast2', 'two'));
      expect(await ended(1)).toMatchObject([{ outcome: 'skipped', reason: 'mass-failure' }]);
      expect(cluster.worker.commands).toEqual([]);
    });

    it('and a call of the first that waits for a node waits for the operator too', async () => {
      cluster.beats('ast2', { recoveryModule: false });
      cluster.beats('ast3', { recoveryModule: false });
      cluster.replica({}, { nodes });
      await crashOf('ast1', leg('ast1', 'one'));
      await rows(1, ({ outcome }) => outcome === 'under way');
      await crashOf('ast2');
      await eventually('it to be held', async () => (await view('audit_quarantine')).length === 1);
      cluster.beats('ast3');
      const isFit = async (): Promise<boolean> => {
        const reply = await operator({ type: 'AskStatus', requestedBy: undefined, reason: undefined });
        const ast3 =
          reply.status === 'status' && reply.recovery.nodes.find(({ nodeId }) => nodeId === 'ast3');
        return ast3 !== undefined && ast3 !== false && ast3.excluded === null;
      };
      await eventually('a node that is fit', isFit);
      expect(await eventually('the status', async () => (await cluster.audit())[0])).toMatchObject({
        outcome: 'under way',
        attempts: 0,
      });
      expect(cluster.worker.commands).toEqual([]);
      expect(await resume()).toMatchObject({ changed: true, calls: 1 });
      expect(await ended(1)).toMatchObject([{ call_id: 'one@phone', outcome: 'recovered', target: 'ast3' }]);
    });

    it('and one of two is no more than half', async () => {
      cluster.replica({}, { nodes: nodes.slice(0, 2) });
      await crashOf('ast1', leg('ast1', 'one'));
      expect(await ended(1)).toMatchObject([{ outcome: 'recovered' }]);
    });
  });

  it('a node that dies again gets no calls, and is reported once', async () => {
    cluster.replica({}, { nodes });
    await cluster.records('ast2', { incarnation: 'first', at: Date.now() - 60_000 });
    await cluster.dies('ast2', null, { incarnation: 'first', at: Date.now() - 60_000 });
    await crashOf('ast2');
    cluster.beats('ast2', { incarnation: 'third' });
    const [flapping] = await eventually('the report', async () => {
      const found = await view('audit_flapping');
      return found.length > 0 && found;
    });
    expect(flapping).toMatchObject({ node_id: 'ast2', incarnation: lifeOf('ast2'), crashes: 2 });
    cluster.beats('ast3', { liveChannels: 500 });
    await eventually('the load', async () => {
      const reply = await operator({ type: 'AskStatus', requestedBy: undefined, reason: undefined });
      if (reply.status !== 'status') return false;
      const of = (id: string) => reply.recovery.nodes.find(({ nodeId }) => nodeId === id);
      return of('ast3')?.liveChannels === 500 && of('ast2')?.excluded === 'flapping';
    });
    await crashOf('ast1', leg('ast1', 'one'));
    expect(await ended(1)).toMatchObject([{ outcome: 'recovered', target: 'ast3' }]);
    expect(alarms.filter(({ kind }) => kind === 'node-flapping')).toHaveLength(1);
  });

  describe('a call that its nodes do not survive', () => {
    async function poisoned(quarantineMs: number): Promise<void> {
      const policies = { default: { crashLimit: { nodes: 1 }, quarantineMs } };
      cluster.replica({}, { nodes, recovery: { policies, massFailure: { share: 1 } } });
      await crashOf('ast1', leg('ast1', 'deadly'));
      await ended(1);
      const [first] = cluster.worker.commands;
      expect(first?.target).toBe('ast2');
      const again = leg('ast2', first?.legs[0]?.channelId ?? '', { sipCallId: 'deadly@phone' });
      await crashOf('ast2', again, leg('ast2', 'neighbour'));
    }

    it('is held in quarantine, with an alarm, and recovered when an operator releases it', async () => {
      await poisoned(60_000);
      await rows(1, ({ outcome }) => outcome === 'under way');
      await eventually('the alarm', () => alarms.some(({ kind }) => kind === 'call-quarantined'));
      expect(alarms.find(({ kind }) => kind === 'call-quarantined')).toMatchObject({
        callId: 'deadly@phone',
      });
      expect(await view('audit_quarantine')).toMatchObject([
        { call_id: 'deadly@phone', reason: 'call-crashes-nodes', outcome: 'held', released_at: null },
      ]);
      expect(await operator({ type: 'ReleaseCall', callId: 'nobody@phone' })).toMatchObject({
        status: 'refused',
        code: 'RECOVERY_NOT_HELD',
      });
      expect(await operator({ type: 'ReleaseCall', callId: 'deadly@phone' })).toMatchObject({
        status: 'done',
        calls: 1,
      });
      const found = await ended(3);
      expect(found.map(({ outcome }) => outcome)).toEqual(['recovered', 'recovered', 'recovered']);
      expect(await operator({ type: 'ReleaseCall', callId: 'deadly@phone' })).toMatchObject({
        code: 'RECOVERY_NOT_HELD',
      });
    });

    it('is not let go by a resume, and given up when its time is over', async () => {
      await poisoned(8_000);
      await rows(1, ({ outcome }) => outcome === 'under way');
      expect(await resume()).toMatchObject({ changed: false, calls: 0 });
      const found = await ended(3);
      expect(found.filter(({ outcome }) => outcome !== 'recovered')).toMatchObject([
        { call_id: 'deadly@phone', outcome: 'skipped', reason: 'call-crashes-nodes' },
      ]);
    });
  });

  it.each([
    ['without a name', { type: 'StopRecovery', requestedBy: '' }],
    ['of an unknown kind', { type: 'Explode' }],
    ['with a field that nobody knows', { type: 'StopRecovery', force: true }],
  ])('a command %s is refused', async (_, command) => {
    cluster.replica({}, { nodes });
    expect(await operator(command)).toMatchObject({ status: 'refused', code: 'RECOVERY_REQUEST_INVALID' });
  });
});
