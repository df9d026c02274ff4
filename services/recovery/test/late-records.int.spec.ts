import { database } from '@reinvite/db';
import { eventually } from '@reinvite/test-support';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bridge, Cluster, leg } from './support/cluster.js';

/** An attempt is given up 7 s after it began: before the records of a dead node are complete that is waited for. */
const ATTEMPT_TIMEOUT_MS = 3_000;

describe('a target dies whose last call records are late', () => {
  let cluster: Cluster;

  beforeEach(async () => {
    cluster = await Cluster.start();
    cluster.beats('ast1');
    cluster.beats('ast2');
    cluster.beats('ast3', { liveChannels: 50 });
  });
  afterEach(() => cluster.stop());

  it('and the call goes on to the next node at once, and stays with that when the records come', async () => {
    cluster.replica({ attemptTimeoutMs: ATTEMPT_TIMEOUT_MS });
    cluster.worker.manner = ({ target }) => (target === 'ast2' ? 'silent' : 'answers');
    const one = leg('ast1', 'one');
    await cluster.ledgerHas([one]);
    await cluster.dies('ast1', await cluster.observe(one));
    const command = await eventually('the command', () => cluster.worker.commands[0]);
    expect(command.target).toBe('ast2');
    await cluster.dies('ast2', null, { factsComplete: false });
    const [row] = await eventually('the outcome', async () => {
      const rows = await cluster.audit();
      return rows.every(({ outcome }) => outcome !== 'under way') && rows.length > 0 && rows;
    });
    expect(row).toMatchObject({ outcome: 'recovered', target: 'ast3', attempts: 2 });

    const channelId = command.legs[0]?.channelId ?? '';
    const late = leg('ast2', channelId, { channelId, sipCallId: 'one@phone' });
    await cluster.observe(late, leg('ast2', 'own'));
    await eventually('the records of ast2 to be closed', async () => {
      const { rows } = await database(cluster.pool).execute(
        sql`select 1 from node_incarnations where node_id = 'ast2' and closed_at is not null`,
      );
      return rows.length === 1;
    });
    const rows = await cluster.audit();
    expect(rows.map(({ node_id, call_id }) => [node_id, call_id]).sort()).toEqual([
      ['ast1', 'one@phone'],
      ['ast2', 'own@phone'],
    ]);
    expect(cluster.worker.commands.map(({ target }) => target)).toEqual(['ast2', 'ast3']);
  });

  it('and those of one conference come to one node, whenever their records come', async () => {
    cluster.replica();
    const [known, late] = [leg('ast1', 'one'), leg('ast1', 'two', { createdAt: 2_000 })];
    await cluster.ledgerHas([known, late]);
    const seq = await cluster.observe(known, bridge('ast1', 'conf', ['one']));
    await cluster.dies('ast1', seq, { factsComplete: false });
    const ended = (count: number) =>
      eventually(`${count} outcomes`, async () => {
        const all = await cluster.audit();
        return all.length === count && all.every(({ outcome }) => outcome !== 'under way') && all;
      });
    expect(await ended(1)).toMatchObject([{ target: 'ast2' }]);
    cluster.beats('ast2', { liveChannels: 500 });
    await cluster.observe(late, bridge('ast1', 'conf', ['one', 'two']));
    expect(await ended(2)).toMatchObject([
      { call_id: 'one@phone', outcome: 'recovered', target: 'ast2' },
      { call_id: 'two@phone', outcome: 'recovered', target: 'ast2' },
    ]);
  });

  it('and a leg that is not known to be up is given up only when its records have come', async () => {
    cluster.replica();
    const known = leg('ast1', 'one');
    const calling = [leg('ast1', 'two', { state: 'Ring' }), leg('ast1', 'three', { state: 'Ring' })];
    await cluster.ledgerHas([known, ...calling]);
    // So that the first plan sees all of it.
    const seq = await cluster.observe(known, ...calling);
    await cluster.dies('ast1', seq, { factsComplete: false });
    await eventually('the leg that is known to be up', async () => {
      const all = await cluster.audit();
      return all.length === 1 && all[0]?.outcome === 'recovered';
    });
    await cluster.observe(leg('ast1', 'two'));
    const rows = await eventually('the others', async () => {
      const all = await cluster.audit();
      return all.length === 3 && all.every(({ outcome }) => outcome !== 'under way') && all;
    });
    expect(rows.map(({ call_id, outcome, reason }) => [call_id, outcome, reason])).toEqual([
      ['one@phone', 'recovered', null],
      ['three@phone', 'skipped', 'not-answered'],
      ['two@phone', 'recovered', null],
    ]);
  });
});
