import type { AriBridge } from '@reinvite/ari';
import { nodeAt, phonesOf, type Crash, type Observation } from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOLD_MS, recoveriesOf, Scene, TestAri, verdictsOf, type RecoveryRow } from '../src/index.js';

const ARI = 'e2e-conference';
const TRUNK = 'e2e-trunk';

/** Two by name in ConfBridge, one on another node; one and two in an ARI bridge with a trunk between the nodes. */
const PLANS = [
  { kind: 'app', node: 'ast1', dials: 'conf-one', holdMs: HOLD_MS },
  { kind: 'app', node: 'ast2', dials: 'conf-one', holdMs: HOLD_MS },
  { kind: 'app', node: 'ast2', dials: 'conf-one', holdMs: HOLD_MS },
  { kind: 'app', node: 'ast1', dials: 'quiet-4', holdMs: HOLD_MS },
  { kind: 'app', node: 'ast3', dials: 'quiet-5', holdMs: HOLD_MS },
  { kind: 'app', node: 'ast3', dials: 'quiet-6', holdMs: HOLD_MS },
  // All on the node that dies.
  { kind: 'app', node: 'ast1', dials: 'conf-whole', holdMs: HOLD_MS },
  { kind: 'app', node: 'ast1', dials: 'conf-whole', holdMs: HOLD_MS },
  { kind: 'app', node: 'ast1', dials: 'conf-whole', holdMs: HOLD_MS },
] as const;

describe('conferences over nodes', () => {
  let scene: Scene;
  let ari: TestAri;
  let numbers: string[];
  let second: Crash;
  let seen: Observation;
  let afterFirst: { readonly conf: AriBridge[]; readonly whole: AriBridge[]; readonly bridge: AriBridge };
  let rows: RecoveryRow[];

  const channelOf = async (node: string, number: string): Promise<string> =>
    eventually(`the channel of ${number}`, async () => {
      const channels = await (await ari.on(node)).channels.list();
      return channels.find(({ caller }) => caller.number === number)?.id;
    });
  const confBridges = async (name: string, nodes = ['ast2', 'ast3']): Promise<AriBridge[]> => {
    const lists = await Promise.all(nodes.map(async (node) => (await ari.on(node)).bridges.list()));
    return lists.flat().filter((bridge) => bridge.name === name && bridge.channelIds.length > 0);
  };

  /** At least so many, when all have ended. */
  const outcomes = (node: string, count: number): Promise<RecoveryRow[]> => {
    let seen = '';
    return eventually(
      () => `the outcomes of ${node}: ${seen}`,
      async () => {
        const found = await recoveriesOf(scene.db, node);
        seen = JSON.stringify(found);
        return found.length >= count && found.every(({ outcome }) => outcome !== 'under way') && found;
      },
    );
  };

  /** The application's conference, and the leg by which its parts hear each other. */
  const joinByTrunk = async (): Promise<void> => {
    const [one, three] = [await ari.on('ast1'), await ari.on('ast3')];
    for (const [on, node, members] of [
      [one, 'ast1', [3]],
      [three, 'ast3', [4, 5]],
    ] as const) {
      await on.bridges.create(ARI);
      for (const n of members) await on.bridges.addChannels(ARI, [await channelOf(node, numbers[n] ?? '')]);
    }
    // The application plays to who has come back, without end, and Asterisk would add him to no bridge before its end.
    three.on('event', (event) => {
      if (event.type === 'PlaybackStarted') three.playbacks.stop(event.playback.id).catch(() => undefined);
    });
    const to = scene.lab.info.hosts.ast1?.address ?? '';
    await three.channels.originate({
      channelId: TRUNK,
      endpoint: `PJSIP/direct/sip:quiet-trunk@${to}:5060`,
      target: { app: 'demo', appArgs: ['callee', ARI] },
      variables: { 'PJSIP_HEADER(add,X-Lab-Endpoint)': 'direct' },
    });
    const { protocolId } = await eventually('the trunk', async () => {
      const trunk = await three.channels.find(TRUNK);
      return trunk?.state === 'Up' && trunk;
    });
    const far = await eventually('its other end', async () =>
      (await one.channels.list()).find((channel) => channel.protocolId === protocolId),
    );
    await eventually('the trunk to be in', async () => {
      await one.bridges.addChannels(ARI, [far.id]).catch(() => undefined);
      return (await one.bridges.get(ARI)).channelIds.length === 2;
    });
    await eventually('the trunk on record', async () => {
      const { rows: known } = await scene.db.query(
        `select 1 from bridges where bridge_id = $1 and cardinality(channel_ids) = any('{2,3}') and gone_at is null`,
        [ARI],
      );
      return known.length === 2;
    });
  };

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 3 });
    ari = new TestAri(scene.lab);
    numbers = await scene.call([...PLANS]);
    await joinByTrunk();
    await scene.untilBack(await scene.crash('ast1'));
    rows = await outcomes('ast1', 3);
    const three = await ari.on('ast3');
    await eventually('the trunk to be gone', async () => (await three.channels.find(TRUNK)) === undefined);
    let met = '';
    const all = (): string => `all to be in their conferences: ${met}`;
    afterFirst = await eventually(all, async () => {
      const [conf, whole] = [await confBridges('one'), await confBridges('whole')];
      const bridge = await three.bridges.get(ARI);
      const people = [conf, whole, [bridge]].map((bridges) =>
        bridges.reduce((sum, { channelIds }) => sum + channelIds.length, 0),
      );
      met = JSON.stringify({ conf, whole, bridge, rows });
      return people.every((count) => count === 3) && { conf, whole, bridge };
    });
  });
  afterAll(async () => {
    ari.close();
    await scene.close();
  });

  it('are joined again where they live, and made nowhere twice', () => {
    // A leg of a ConfBridge may be a call of its own: what they have in common is the conference.
    expect(rows.map(({ outcome, reason }) => `${outcome} ${reason ?? ''}`)).toEqual(
      rows.map(() => 'recovered '),
    );
    expect(afterFirst.conf.map(({ channelIds }) => channelIds.length)).toEqual([3]);
    expect(afterFirst.whole.map(({ channelIds }) => channelIds.length)).toEqual([3]);
    expect(afterFirst.bridge.channelIds).toHaveLength(3);
    expect(afterFirst.bridge.channelIds).not.toContain(TRUNK);
  });

  it('and again when the node dies that they have come to', async () => {
    await scene.revive('ast1');
    second = await scene.crash('ast2');
    await scene.untilBack(second);
    const again = await outcomes('ast2', 1);
    expect(new Set(again.map(({ outcome }) => outcome))).toEqual(new Set(['recovered']));
    const conf = await eventually('the conference', async () => {
      const bridges = await confBridges('one', ['ast1', 'ast3']);
      return bridges.reduce((sum, { channelIds }) => sum + channelIds.length, 0) === 3 && bridges;
    });
    expect(conf).toHaveLength(1);
    seen = await scene.untilEnded();
    expect(seen.doubts).toEqual([]);
    for (const call of seen.calls.filter(({ number }) => numbers.slice(0, 3).includes(number)))
      expect(phonesOf(call).map((phone) => nodeAt(phone, Infinity))).not.toContain('ast2');
  });

  it('with everybody heard again', () => {
    const verdicts = verdictsOf(seen, second);
    expect(verdicts.length).toBeGreaterThanOrEqual(3);
    expect(verdicts).toEqual(verdicts.map(() => ({ kind: 'app', reasons: [] })));
  });
});
