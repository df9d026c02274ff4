import { database } from '@reinvite/db';
import { eventually } from '@reinvite/test-support';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cluster, leg, type AuditRow } from './support/cluster.js';
import { FakeEdge } from './support/fake-edge.js';

const ari = { url: 'http://127.0.0.1:8088', username: 'unused', password: 'unused' };
/** ast1 and ast3 are of one group, ast2 of another. */
const nodes = [
  { id: 'ast1', group: 'red', sipAddresses: ['127.0.0.1'], ari },
  { id: 'ast2', group: 'blue', sipAddresses: ['127.0.0.2'], ari },
  { id: 'ast3', group: 'red', sipAddresses: ['127.0.0.3'], ari },
];

describe('what the policy lets be recovered, on real Postgres and NATS', () => {
  let cluster: Cluster;

  beforeEach(async () => {
    cluster = await Cluster.start();
    cluster.beats('ast1');
    cluster.beats('ast2');
    cluster.beats('ast3', { liveChannels: 50 });
  });
  afterEach(() => cluster.stop());

  const ended = (count: number): Promise<AuditRow[]> =>
    eventually(`${count} outcomes`, async () => {
      const rows = await cluster.audit();
      return rows.filter((row) => row.outcome !== 'under way').length === count && rows;
    });

  async function crashOf(nodeId: string, ...legs: ReturnType<typeof leg>[]): Promise<void> {
    await cluster.ledgerHas(legs);
    await cluster.dies(nodeId, await cluster.observe(...legs));
  }

  const rollbacks = async (): Promise<number> => {
    const { rows } = await database(cluster.pool).execute<{ count: string }>(
      sql`select xact_rollback as count from pg_stat_database where datname = current_database()`,
    );
    return Number(rows[0]?.count);
  };

  it('keeps calls within their group, however full it is', async () => {
    cluster.replica({}, { nodes });
    await crashOf('ast1', leg('ast1', 'one'));
    expect(await ended(1)).toMatchObject([{ outcome: 'recovered', target: 'ast3' }]);
  });

  it('gives them to the other groups that it names', async () => {
    cluster.replica({}, { nodes, recovery: { policies: { red: { targets: ['red', 'blue'] } } } });
    await crashOf('ast1', leg('ast1', 'one'));
    expect(await ended(1)).toMatchObject([{ outcome: 'recovered', target: 'ast2' }]);
  });

  it('does not go on without the word of every ledger where it is told not to', async () => {
    const policies = { red: { barrierMissed: 'skip' } };
    cluster.replica({}, { nodes, recovery: { ledgers: 2, barrierTimeoutMs: 50, policies } });
    await crashOf('ast1', leg('ast1', 'one'));
    expect(await ended(1)).toMatchObject([{ outcome: 'skipped', reason: 'ledger-unheard' }]);
    expect(cluster.worker.commands).toEqual([]);
  });

  it('goes on without it by default', async () => {
    cluster.replica({}, { recovery: { ledgers: 2, barrierTimeoutMs: 50 } });
    await crashOf('ast1', leg('ast1', 'one'));
    expect(await ended(1)).toMatchObject([{ outcome: 'recovered' }]);
  });

  it.each([
    ['', 'answers'],
    [', also where only the answer was told,', 'says-only-answers'],
  ] as const)(
    'gives a call that its nodes do not survive%s to no further one, and its neighbours to another',
    async (_, manner) => {
      cluster.worker.manner = () => manner;
      const policies = { default: { crashLimit: { nodes: 1 }, quarantineMs: 0 } };
      cluster.replica({}, { recovery: { policies } });
      await crashOf('ast1', leg('ast1', 'deadly'));
      await ended(1);
      const [first] = cluster.worker.commands;
      expect(first?.target).toBe('ast2');
      const again = leg('ast2', first?.legs[0]?.channelId ?? '', { sipCallId: 'deadly@phone' });
      await crashOf('ast2', again, leg('ast2', 'neighbour'));
      const rows = await ended(3);
      expect(rows.map((row) => [row.node_id, row.call_id, row.outcome, row.reason])).toEqual(
        expect.arrayContaining([
          ['ast2', 'deadly@phone', 'skipped', 'call-crashes-nodes'],
          ['ast2', 'neighbour@phone', 'recovered', null],
        ]),
      );
      expect(cluster.worker.commands.map(({ callId }) => callId)).toEqual([
        'deadly@phone',
        'neighbour@phone',
      ]);
    },
  );

  it('counts the nodes that died while they took the call', async () => {
    const policies = { default: { crashLimit: { nodes: 2 }, quarantineMs: 0 } };
    cluster.replica({}, { recovery: { policies } });
    cluster.worker.manner = ({ target }) => (target === 'ast2' ? 'silent' : 'answers');
    await crashOf('ast1', leg('ast1', 'deadly'));
    await eventually('the first attempt', () => cluster.worker.commands.length === 1);
    await cluster.dies('ast2', null);
    expect(await ended(1)).toMatchObject([{ outcome: 'recovered', target: 'ast3', attempts: 2 }]);
    cluster.beats('ast4');
    const channelId = cluster.worker.commands[1]?.legs[0]?.channelId ?? '';
    await crashOf('ast3', leg('ast3', channelId, { sipCallId: 'deadly@phone' }));
    const rows = await ended(2);
    expect(rows.find(({ node_id }) => node_id === 'ast3')).toMatchObject({
      outcome: 'skipped',
      reason: 'call-crashes-nodes',
    });
  });

  it('has early dialogs ended at the edge, and shows it in the timeline', async () => {
    const edge = await FakeEdge.start();
    edge.pending.add('rings@phone 7');
    cluster.replica({}, { recovery: { edges: [{ rpcUrl: edge.rpcUrl }] } });
    const rings = leg('ast1', 'rings', { state: 'Ring' });
    const left = leg('ast1', 'left', { state: 'Ring' });
    await cluster.ledgerHas([rings], { state: 'early', inviteCseq: 7 });
    await cluster.ledgerHas([left], { state: 'early', inviteCseq: null });
    await cluster.dies('ast1', await cluster.observe(rings, left));
    const rows = await ended(2);
    expect(rows.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['skipped', 'dialog-early'],
      ['skipped', 'dialog-early'],
    ]);
    const told = await eventually('the end of the early dialog', async () => {
      const found = await database(cluster.pool).execute<{ call_id: string; details: unknown }>(
        sql`select call_id, details from audit_timeline where event = 'EarlyDialogsEnded'`,
      );
      return found.rows.length > 0 && found.rows;
    });
    edge.stop();
    expect(told).toMatchObject([
      { call_id: 'rings@phone', details: { dialogs: [{ legId: 'rings', result: 'ended' }] } },
    ]);
    // Beside what is asked of the edge about the dead node itself.
    expect(edge.asked.filter(({ method }) => method === 'tm.reply_callid')).toHaveLength(1);
  });

  it('plans a death again that Postgres refused to be asked about', async () => {
    cluster.replica();
    const one = leg('ast1', 'one');
    await cluster.ledgerHas([one]);
    const seq = await cluster.observe(one);
    await eventually('the record', async () => {
      const { rows } = await database(cluster.pool).execute(sql`select 1 from legs`);
      return rows.length === 1;
    });
    const before = await rollbacks();
    await database(cluster.pool).execute(sql`alter table dialogs rename to dialogs_away`);
    await cluster.dies('ast1', seq);
    await eventually('the refusal', async () => (await rollbacks()) > before);
    expect(await cluster.audit()).toEqual([]);
    await database(cluster.pool).execute(sql`alter table dialogs_away rename to dialogs`);
    expect(await ended(1)).toMatchObject([{ outcome: 'recovered' }]);
  });
});
