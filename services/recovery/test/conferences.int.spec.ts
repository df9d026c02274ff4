import { subjects } from '@reinvite/bus';
import {
  operatorReply,
  type BridgeObserved,
  type CallFact,
  type LegObserved,
  type OperatorReply,
} from '@reinvite/domain';
import { eventually } from '@reinvite/test-support';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bridge, Cluster, leg, lifeOf, type AuditRow } from './support/cluster.js';

const ari = { url: 'http://127.0.0.1:8088', username: 'unused', password: 'unused' };
const nodes = ['ast1', 'ast2', 'ast3', 'ast4', 'ast5'].map((id, n) => ({
  id,
  sipAddresses: [`127.0.0.${n + 1}`],
  ari,
}));

describe('a conference over nodes, on real Postgres and NATS', () => {
  let cluster: Cluster;

  beforeEach(async () => {
    cluster = await Cluster.start();
    for (const node of ['ast1', 'ast2', 'ast3', 'ast4']) cluster.beats(node);
  });
  afterEach(() => cluster.stop());

  const ended = (count: number): Promise<AuditRow[]> =>
    eventually(`${count} outcomes`, async () => {
      const rows = await cluster.audit();
      return rows.filter((row) => row.outcome !== 'under way').length === count && rows;
    });
  /** Parts of conferences on a node: the legs, and the bridge that they are in. */
  const part = (node: string, conference: string, ...legs: LegObserved[]): CallFact[] => [
    ...legs,
    bridge(
      node,
      conference,
      legs.map(({ channelId }) => channelId),
    ),
  ];
  const legsOf = (facts: readonly CallFact[]): LegObserved[] =>
    facts.filter((fact) => fact.type === 'LegObserved');
  /** @returns the last sequence. */
  const talking = async (...facts: CallFact[]): Promise<number> => {
    await cluster.ledgerHas(legsOf(facts));
    return cluster.observe(...facts);
  };
  /** Until the replica knows how many channels a node has. */
  const isHeard = (node: string, channels: number): Promise<unknown> =>
    eventually(`the load of ${node}`, async () => {
      const reply = await cluster.bus
        .request(subjects.operatorRecovery, { type: 'AskStatus' }, operatorReply, 5_000)
        .catch(() => undefined);
      return (
        reply?.status === 'status' &&
        reply.recovery.nodes.some((one) => one.nodeId === node && one.liveChannels === channels)
      );
    });
  /** Targets of the commands, by the id of the ARI bridge. */
  const targets = (): Map<string, Set<string>> => {
    const found = new Map<string, Set<string>>();
    for (const { join, target } of cluster.worker.commands) {
      const key = join.kind === 'ari-bridge' ? join.bridgeId : '';
      found.set(key, (found.get(key) ?? new Set()).add(target));
    }
    return found;
  };

  const waiting = (count: number): Promise<AuditRow[]> =>
    eventually(`${count} recoveries that wait`, async () => {
      const rows = await cluster.audit();
      return (
        rows.filter(({ outcome, attempts }) => outcome === 'under way' && attempts === 0).length === count &&
        rows
      );
    });
  const operator = (command: Record<string, unknown>): Promise<OperatorReply> =>
    eventually('an answer', () =>
      cluster.bus.request(subjects.operatorRecovery, command, operatorReply, 5_000).catch(() => undefined),
    );
  const release = (callId: string): Promise<OperatorReply> =>
    operator({ type: 'ReleaseCall', callId, requestedBy: 'alice', reason: 'test' });
  /** Until the replica knows of it. */
  const loaded = async (node: string, liveChannels: number): Promise<void> => {
    cluster.beats(node, { liveChannels });
    await eventually(`the load of ${node}`, async () => {
      const reply = await operator({ type: 'AskStatus' });
      const known = reply.status === 'status' ? reply.recovery.nodes : [];
      return known.some((one) => one.nodeId === node && one.liveChannels === liveChannels);
    });
  };
  /** A death that makes a mass failure with the one before it. */
  const heldDeath = async (node: string, seq: number): Promise<void> => {
    await cluster.records(node);
    await cluster.dies(node, seq);
  };

  it('is joined again where it lives, also where another node has less to do', async () => {
    cluster.replica();
    cluster.beats('ast3', { liveChannels: 500 });
    await isHeard('ast3', 500);
    const seq = await talking(
      ...part('ast3', 'conf', leg('ast3', 'bob'), leg('ast3', 'carol')),
      ...part('ast4', 'conf', leg('ast4', 'dave')),
      ...part('ast1', 'conf', leg('ast1', 'alice')),
    );
    await cluster.dies('ast1', seq);
    expect(await ended(1)).toMatchObject([{ outcome: 'recovered', target: 'ast3' }]);
    expect(cluster.worker.commands).toMatchObject([{ target: 'ast3', join: { bridgeId: 'conf' } }]);
  });

  it('without the leg that led there, whose other end is hung up; one that led elsewhere comes back', async () => {
    cluster.replica();
    const trunk = { sipCallId: 'trunk-1-3' };
    const other = { sipCallId: 'trunk-1-4' };
    const facts = [
      ...part('ast3', 'conf', leg('ast3', 'bob'), leg('ast3', 'carol'), leg('ast3', 'far-end', trunk)),
      ...part('ast4', 'conf', leg('ast4', 'dave'), leg('ast4', 'other-end', other)),
      ...part('ast1', 'conf', leg('ast1', 'alice'), leg('ast1', 't3', trunk), leg('ast1', 't4', other)),
    ];
    await cluster.ledgerHas(legsOf(facts).filter(({ nodeId }) => nodeId === 'ast1'));
    await cluster.dies('ast1', await cluster.observe(...facts));
    const [row] = await ended(1);
    expect(row).toMatchObject({ outcome: 'recovered', reason: null, target: 'ast3' });
    const [command] = cluster.worker.commands;
    expect(command?.legs.map(({ legId }) => legId)).toEqual(['alice', 't4']);
    expect(command?.hangUp).toEqual(['far-end']);
    const { rows } = await cluster.pool.query(
      `select reason, outcome from recovery_legs where leg_id = 't3'`,
    );
    expect(rows).toEqual([{ reason: 'conference-rejoined', outcome: 'skipped' }]);
  });

  it('by the name of a ConfBridge too', async () => {
    cluster.replica();
    cluster.beats('ast3', { liveChannels: 500 });
    await isHeard('ast3', 500);
    const named = (node: string, channelId: string): [LegObserved, BridgeObserved] => {
      const dialplan = { context: 'c', extension: '1', priority: 2, appName: 'ConfBridge', appData: '4711' };
      return [
        leg(node, channelId, { stasisApp: null, dialplan }),
        bridge(node, `${node}-uuid`, [channelId], {
          bridgeClass: 'base',
          creator: 'ConfBridge',
          name: '4711',
        }),
      ];
    };
    await cluster.dies('ast1', await talking(...named('ast3', 'bob'), ...named('ast1', 'alice')));
    expect(await ended(1)).toMatchObject([{ outcome: 'recovered', target: 'ast3', call_kind: 'dialplan' }]);
  });

  it('is one again when two nodes with parts of it die at once, each in the hands of another replica', async () => {
    cluster.replica();
    cluster.replica();
    const names = Array.from({ length: 30 }, (_, n) => `conf-${n}`);
    const facts = names.flatMap((name, n) => [
      ...part('ast1', name, leg('ast1', `a${n}`), leg('ast1', `b${n}`)),
      // Each node by itself would have its calls taken by turns, this one the other way round.
      ...part('ast2', name, leg('ast2', `c${n}`, { createdAt: 9_000 - n }), leg('ast2', `d${n}`)),
    ]);
    const seq = await talking(...facts);
    await Promise.all([cluster.dies('ast1', seq), cluster.dies('ast2', seq)]);
    const rows = await ended(60);
    expect(new Set(rows.map(({ outcome }) => outcome))).toEqual(new Set(['recovered']));
    expect([...targets().values()].map((nodes) => nodes.size)).toEqual(names.map(() => 1));
    expect(new Set(rows.map(({ target }) => target))).toEqual(new Set(['ast3', 'ast4']));
  });

  it('is one again when all of it waits for an operator, who lets its parts go one by one', async () => {
    cluster.replica({}, { nodes, recovery: { massFailure: { share: 0.2 } } });
    await cluster.records('ast5');
    const seq = await talking(
      ...part('ast1', 'conf', leg('ast1', 'alice')),
      ...part('ast2', 'conf', leg('ast2', 'bob')),
    );
    await heldDeath('ast1', seq);
    await waiting(1);
    await heldDeath('ast2', seq);
    await waiting(2);
    await release('alice@phone');
    expect(await ended(1)).toMatchObject([{ target: 'ast3' }, { outcome: 'under way' }]);
    await loaded('ast3', 500);
    await release('bob@phone');
    expect((await ended(2)).map(({ target }) => target)).toEqual(['ast3', 'ast3']);
  });

  it('is one again when all of it waits for a node that may take it', async () => {
    for (const node of ['ast2', 'ast3', 'ast4']) cluster.beats(node, { recoveryModule: false });
    cluster.replica();
    const seq = await talking(
      ...part('ast1', 'conf', leg('ast1', 'alice'), leg('ast1', 'carol')),
      ...part('ast2', 'conf', leg('ast2', 'bob')),
    );
    await cluster.dies('ast1', seq);
    await waiting(1);
    await cluster.dies('ast2', seq);
    await waiting(2);
    cluster.beats('ast3');
    cluster.beats('ast4');
    const [first, second] = await ended(2);
    expect(first?.target).toBe(second?.target);
    const { rows } = await cluster.pool.query(
      `select conference, cardinality(recovery_ids) as recoveries from conference_homes`,
    );
    expect(rows).toEqual([{ conference: 'ari-bridge:conf', recoveries: 2 }]);
  });

  it('follows to one node when the one that it was being brought to dies over it', async () => {
    cluster.replica({ attemptTimeoutMs: 60_000 });
    cluster.worker.manner = ({ target }) => (target === 'ast3' ? 'silent' : 'answers');
    const seq = await talking(
      ...part('ast3', 'conf', leg('ast3', 'bob'), leg('ast3', 'carol')),
      ...part('ast1', 'conf', leg('ast1', 'alice')),
      ...part('ast1', 'conf-2', leg('ast1', 'dave')),
      ...part('ast3', 'conf-2', leg('ast3', 'erin')),
    );
    await cluster.dies('ast1', seq);
    await eventually('the commands', () => cluster.worker.commands.length === 2);
    expect(new Set(cluster.worker.commands.map(({ target }) => target))).toEqual(new Set(['ast3']));
    await cluster.dies('ast3', seq);
    const rows = await ended(4);
    expect(rows.map(({ outcome }) => outcome)).toEqual(Array(4).fill('recovered'));
    for (const name of ['conf', 'conf-2']) {
      const last = new Set(
        cluster.worker.commands
          .filter(
            ({ join, target }) => join.kind === 'ari-bridge' && join.bridgeId === name && target !== 'ast3',
          )
          .map(({ target }) => target),
      );
      expect(last.size).toBe(1);
    }
  });

  it('is left for another node by who does not get there', async () => {
    cluster.replica();
    cluster.worker.manner = ({ target }) => (target === 'ast3' ? 'phone-busy' : 'answers');
    const seq = await talking(
      ...part('ast3', 'conf', leg('ast3', 'bob'), leg('ast3', 'carol')),
      ...part('ast1', 'conf', leg('ast1', 'alice')),
    );
    await cluster.dies('ast1', seq);
    const [row] = await ended(1);
    expect(row).toMatchObject({ outcome: 'recovered', attempts: 2 });
    expect(cluster.worker.commands.map(({ target }) => target)).toEqual([
      'ast3',
      expect.stringMatching(/^ast[24]$/),
    ]);
  });

  it('leaves bridges alone that are on one node only', async () => {
    cluster.replica();
    const pairs = Array.from({ length: 6 }, (_, n) =>
      part('ast1', `pair-${n}`, leg('ast1', `a${n}`), leg('ast1', `b${n}`)),
    );
    await cluster.dies('ast1', await talking(...pairs.flat()));
    await ended(6);
    expect(new Set([...targets().values()].flatMap((nodes) => [...nodes])).size).toBeGreaterThan(1);
    const { rows } = await cluster.pool.query('select * from conference_homes');
    expect(rows).toEqual([]);
  });

  it('knows a part by the life that it is in', async () => {
    cluster.replica();
    cluster.beats('ast3', { incarnation: 'the-next-life' });
    const seq = await talking(
      ...part('ast3', 'conf', leg('ast3', 'bob')),
      ...part('ast1', 'conf', leg('ast1', 'alice')),
    );
    cluster.beats('ast4', { liveChannels: 9 });
    cluster.beats('ast3', { incarnation: 'the-next-life', liveChannels: 10 });
    await Promise.all([isHeard('ast4', 9), isHeard('ast3', 10)]);
    await cluster.dies('ast1', seq);
    const [row] = await ended(1);
    expect(row).toMatchObject({ outcome: 'recovered', target: 'ast2' });
    expect(lifeOf('ast3')).not.toBe('the-next-life');
  });
});
