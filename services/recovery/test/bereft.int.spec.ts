import { eventually } from '@reinvite/test-support';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bridge, Cluster, leg } from './support/cluster.js';

describe('one whose peer cannot return, on real Postgres and NATS', () => {
  let cluster: Cluster;

  beforeEach(async () => {
    cluster = await Cluster.start();
    for (const node of ['ast1', 'ast2']) cluster.beats(node);
    cluster.worker.manner = () => 'one-refuses';
  });
  afterEach(() => cluster.stop());

  const crash = async (policy: object): Promise<void> => {
    cluster.replica({}, { recovery: { policies: { default: policy } } });
    const legs = [leg('ast1', 'a'), leg('ast1', 'b', { createdAt: 1_500 })];
    await cluster.ledgerHas(legs);
    await cluster.dies('ast1', await cluster.observe(...legs, bridge('ast1', 'pair', ['a', 'b'])));
  };
  const events = (wanted: string, count: number): Promise<Record<string, unknown>[]> =>
    eventually(`${count} ${wanted}`, async () => {
      const { rows } = await cluster.pool.query<{ event: string; details: Record<string, unknown> }>(
        'select event, details from audit_timeline order by position',
      );
      const found = rows.filter(({ event }) => event === wanted).map(({ details }) => details);
      return found.length >= count && found;
    });

  it('is ended, and the audit says so', async () => {
    await crash({ bereft: { end: { cause: 31 } } });
    const [bereft] = await events('LegsBereft', 1);
    expect(bereft).toMatchObject({ target: 'ast2', bridgeId: 'pair', treatment: { do: 'end', cause: 31 } });
    expect(await events('BereftTended', 1)).toMatchObject([{ result: 'done', treatment: 'end' }]);
    expect(cluster.worker.tended).toMatchObject([
      { target: 'ast2', channelId: cluster.worker.commands[0]?.legs[0]?.channelId },
    ]);
    expect(await cluster.audit()).toMatchObject([{ outcome: 'partly-recovered', reason: 'dialog-gone' }]);
  });

  it('is held, and ended when that has been long enough', async () => {
    await crash({ bereft: { hold: { musicOnHold: 'waiting', forMs: 600 } } });
    await events('BereftTended', 2);
    expect(cluster.worker.tended.map(({ treatment }) => treatment)).toEqual([
      { do: 'hold', musicOnHold: 'waiting', forMs: 600 },
      { do: 'end', cause: 16 },
    ]);
    expect(await events('BereftHoldOver', 1)).toHaveLength(1);
  });

  it('is left alone unless it is said, and hears what is said', async () => {
    await crash({ comfort: 'tone:ring' });
    await eventually('the outcome', async () =>
      (await cluster.audit()).some(({ outcome }) => outcome === 'partly-recovered'),
    );
    expect(cluster.worker.tended).toEqual([]);
    expect(cluster.worker.commands[0]?.comfort).toBe('tone:ring');
  });
});
