import type { RestoreCall } from '@reinvite/domain';
import { eventually } from '@reinvite/test-support';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bridge, Cluster, leg, lifeOf, type AuditRow } from './support/cluster.js';

describe('a call of which no worker can tell what became of it, on real Postgres and NATS', () => {
  let cluster: Cluster;

  beforeEach(async () => {
    cluster = await Cluster.start();
    cluster.beats('ast1');
    cluster.beats('ast2');
  });
  afterEach(() => cluster.stop());

  const crash = async (): Promise<RestoreCall> => {
    const pair = [leg('ast1', 'a'), leg('ast1', 'b', { createdAt: 1_100 })];
    await cluster.ledgerHas(pair);
    await cluster.dies('ast1', await cluster.observe(...pair, bridge('ast1', 'b1', ['a', 'b'])));
    return eventually('the command', () => cluster.worker.commands[0]);
  };
  const outcome = (): Promise<AuditRow> =>
    eventually('the outcome', async () => (await cluster.audit()).find((row) => row.outcome !== 'under way'));
  /** What the agent of ast2 tells of the replacement channels. */
  const channels = ({ legs }: RestoreCall, state: (n: number) => string) =>
    legs.map(({ legId, channelId }, n) =>
      leg('ast2', channelId, { channelId, sipCallId: `${legId}@phone`, state: state(n) }),
    );
  const idsOf = ({ legs }: RestoreCall): string[] => legs.map(({ channelId }) => channelId);

  it('has come back where the agent of its node has told so, and partly where that does not tell of the bridge', async () => {
    cluster.replica({ attemptTimeoutMs: 300 });
    cluster.worker.manner = () => 'silent';
    const command = await crash();
    await cluster.observe(...channels(command, () => 'Up'));
    expect(await outcome()).toMatchObject({ outcome: 'partly-recovered', reason: 'join-unconfirmed' });
  });

  it('has come back whole where that has told of the bridge too', async () => {
    cluster.replica({ attemptTimeoutMs: 300 });
    cluster.worker.manner = () => 'silent';
    const command = await crash();
    await cluster.observe(...channels(command, () => 'Up'), bridge('ast2', 'b1', idsOf(command)));
    expect(await outcome()).toMatchObject({ outcome: 'recovered', reason: null, target: 'ast2' });
  });

  it('has come back also where the worker that lost sight of it says so before the agent tells', async () => {
    cluster.replica();
    cluster.worker.manner = () => 'loses-sight';
    const command = await crash();
    await eventually('the records to be asked', async () => {
      const { rows } = await cluster.pool.query(
        `select 1 from pg_stat_activity where query like '%is_up%' and application_name = 'reinvite-recovery'`,
      );
      return rows.length > 0;
    });
    await cluster.observe(...channels(command, () => 'Up'), bridge('ast2', 'b1', idsOf(command)));
    expect(await outcome()).toMatchObject({ outcome: 'recovered', reason: null });
  });

  it('has not where its phones were only called, or hung up', async () => {
    cluster.replica();
    cluster.worker.manner = () => 'loses-sight';
    const command = await crash();
    const [first, second] = channels(command, (n) => (n === 0 ? 'Up' : 'Ringing'));
    if (first === undefined || second === undefined) throw new Error('two legs');
    const { nodeId, channelId } = first;
    const gone = {
      type: 'LegGone',
      nodeId,
      incarnation: lifeOf('ast2'),
      at: 3_000,
      channelId,
      cause: 16,
    } as const;
    await cluster.observe(first, second, gone);
    expect(await outcome()).toMatchObject({ outcome: 'failed', reason: 'outcome-unknown' });
  });
});
