import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Bus, subjects } from '@reinvite/bus';
import { alarm, type Alarm } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import {
  byeOf,
  phonesOf,
  reinvitesAfter,
  type CallPlan,
  type Crash,
  type Observation,
  type PhoneCall,
} from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cameBack, deathsOf, HOLD_MS, operatorOf, outcomesOf, Scene, verdictsOf } from '../src/index.js';

/** Nobody can end it from outside, nor does it end itself. */
const MUTE = 'ast1';
/** The same, and it is cut off from those alone who judge it: the edge, its phones and its application reach it. */
const REACHED = 'ast2';
/** It has a lease, and is cut off from everybody. */
const LEASED = 'ast3';
/** It has a lease, and is cut off from those alone who judge it: it talks to its phones for as long as that lasts. */
const LEASED_AND_REACHED = 'ast4';

const LEASE_MS = 5_000;
/** The lease, its margin, the edge that has to notice, and a machine that is busy with five Asterisks. */
const BACK_MS = 90_000;
/** What a node has sent before its end has arrived by then. */
const UNDER_WAY_MS = 2_000;

const calls = (node: string): CallPlan[] => [
  { kind: 'app', node, holdMs: HOLD_MS },
  { kind: 'bridge', node, holdMs: HOLD_MS },
  { kind: 'dial', node, holdMs: HOLD_MS, hangsUp: 'callee' },
];

/** No command can end a node from outside here. A fifth node takes what comes back. */
describe('four hosts are cut off at once, and nobody can fence them from outside', () => {
  let scene: Scene;
  let bus: Bus;
  const stop = new AbortController();
  const alarms: Alarm[] = [];
  let cutAt: number;
  let healedAt: number;
  let beforeTheWord: readonly unknown[];
  let answer: string;
  let seen: Observation;

  const endOf = async (node: string): Promise<number | null> => {
    const { units } = await scene.lab.status();
    return units.find(({ name }) => name === node)?.endedAt ?? null;
  };
  const typesOf = async (node: string): Promise<string[]> => {
    const { rows } = await scene.db.query<{ type: string }>(
      'select type from events where stream_id = $1 order by version',
      [`node-${node}`],
    );
    return rows.map(({ type }) => type);
  };
  const phonesOn = (node: string): PhoneCall[] =>
    seen.calls.filter(({ caller }) => caller.invite.node === node).flatMap(phonesOf);
  const crashOf = (node: string, at = cutAt): Crash => ({ node, at });

  beforeAll(async () => {
    const leases = { [LEASED]: LEASE_MS, [LEASED_AND_REACHED]: LEASE_MS };
    scene = await Scene.open({ nodes: 5, fenceCommand: false, leases, services: { sentinel: 1 } });
    bus = await Bus.connect({
      servers: [scene.lab.info.nats],
      tls: scene.lab.info.natsTls,
      name: 'e2e',
      log: createLogger('e2e', 'fatal'),
      signal: stop.signal,
    });
    bus.subscribe(subjects.alarm('fence-failed'), alarm, (one) => void alarms.push(one));
    await scene.call([MUTE, REACHED, LEASED, LEASED_AND_REACHED].flatMap(calls));
    await Promise.all([LEASED, LEASED_AND_REACHED].map((node) => untilLeased(scene, node)));

    const cuts = await Promise.all([
      scene.lab.cut(MUTE),
      scene.lab.cut(LEASED),
      ...[REACHED, LEASED_AND_REACHED].flatMap((node) =>
        ['nats', 'sentinel'].map((peer) => scene.lab.cut(node, peer)),
      ),
    ]);
    cutAt = Math.min(...cuts.map(({ at }) => at));
    await scene.untilBack(crashOf(LEASED), BACK_MS);
    await scene.untilBack(crashOf(LEASED_AND_REACHED), BACK_MS);
    await eventually('the operator to be asked', () => alarms.some(({ nodeId }) => nodeId === MUTE));
    beforeTheWord = [await deathsOf(scene.db, MUTE), await outcomesOf(scene.db, MUTE), await endOf(MUTE)];
    answer = await operatorOf(scene.lab).say('declare-down', MUTE);
    await scene.untilBack(crashOf(MUTE), BACK_MS);
    await eventually('the other fence to be told', () => alarms.some(({ nodeId }) => nodeId === REACHED));

    ({ at: healedAt } = await scene.lab.heal(MUTE));
    await Promise.all([REACHED, LEASED, LEASED_AND_REACHED].map((node) => scene.lab.heal(node)));
    await eventually('the revenant to be ended', async () => (await endOf(MUTE)) !== null, 60_000);
    await eventually('the suspicion to end', async () => (await typesOf(REACHED)).includes('NodeCleared'));
    seen = await scene.untilEnded();
  });
  afterAll(async () => {
    stop.abort();
    await bus.close();
    await scene.close();
  });

  it.each([LEASED, LEASED_AND_REACHED])(
    '%s had a lease: it has killed its Asterisk when it is declared down, and its calls come back',
    async (node) => {
      expect(await deathsOf(scene.db, node)).toEqual([{ evidence: 'lease-expired', fenced: true }]);
      const endedAt = (await endOf(node)) ?? Infinity;
      const { rows } = await scene.db.query<{ downAt: string }>(
        `select data ->> 'at' as "downAt" from events where stream_id = $1 and type = 'NodeDown'`,
        [`node-${node}`],
      );
      expect(rows.map(({ downAt }) => Number(downAt) > endedAt)).toEqual([true]);
      for (const phone of phonesOn(node)) {
        // One owner at a time: the other node speaks when this one is dead, and not before.
        expect(reinvitesAfter(phone, 0).map(({ at }) => at > endedAt)).toEqual([true]);
      }
      expect(verdictsOf(seen, crashOf(node))).toEqual(cameBack(calls(node)));
      expect((await outcomesOf(scene.db, node)).map(({ outcome }) => outcome)).toEqual(
        calls(node).map(() => 'recovered'),
      );
    },
  );

  it('and who talks through a node that only its judges do not reach, talks until its lease is over', async () => {
    const endedAt = (await endOf(LEASED_AND_REACHED)) ?? 0;
    expect(endedAt).toBeGreaterThan(cutAt);
    for (const phone of phonesOn(LEASED_AND_REACHED)) {
      for (const port of phone.rtpPorts)
        expect(seen.voice.count(port, (cutAt + endedAt) / 2, endedAt)).toBeGreaterThan(0);
    }
  });

  it('nothing is taken from the one that the edge still reaches; that it is put off for long is told', async () => {
    const told = alarms.filter(({ nodeId }) => nodeId === REACHED).map(({ details }) => details);
    expect(told).toHaveLength(1);
    expect(told[0]?.reason).toMatch(/^put off for \d+ s: an edge is answered by it$/);
    expect(await typesOf(REACHED)).toEqual(['NodeSeen', 'NodeSuspected', 'FenceFailed', 'NodeCleared']);
    expect(await outcomesOf(scene.db, REACHED)).toEqual([]);
    expect(await endOf(REACHED)).toBeNull();
    const phones = phonesOn(REACHED);
    expect(phones).toHaveLength(5);
    for (const phone of phones) {
      expect(phone.requests.map(({ method }) => method)).toEqual(['BYE']);
      expect(byeOf(phone)?.answer?.status).toBe(200);
    }
  });

  it('nothing is taken from the one that nobody reaches either, until a person says that it is dead', async () => {
    expect(beforeTheWord).toEqual([[], [], null]);
    expect(JSON.parse(answer)).toMatchObject({ status: 'accepted', nodeId: MUTE });
    expect(await deathsOf(scene.db, MUTE)).toEqual([{ evidence: 'operator', fenced: false }]);
    expect(verdictsOf(seen, crashOf(MUTE))).toEqual(cameBack(calls(MUTE)));
    expect((await outcomesOf(scene.db, MUTE)).map(({ outcome }) => outcome)).toEqual(
      calls(MUTE).map(() => 'recovered'),
    );
  });

  it('and when it is back it is killed, and has said nothing to its phones in between', async () => {
    const { units } = await scene.lab.status();
    expect(units.find(({ name }) => name === MUTE)).toMatchObject({ state: 'ended', ended: 'SIGKILL' });
    const endedAt = await endOf(MUTE);
    expect(endedAt).toBeGreaterThan(healedAt);
    for (const phone of phonesOn(MUTE)) {
      const said = phone.requests.filter(({ by, at }) => by === 'network' && at > cutAt);
      expect(said.map(({ node }) => node)).not.toContain(MUTE);
    }
    // RTPEngine lets its voice pass for as long as it lives, which is until its agent hears of the verdict.
    // What it plays itself has an SSRC of its own; the voice of another phone keeps that phone's, whoever passes it on.
    for (const { kind, caller } of seen.calls) {
      if (kind !== 'app' || caller.invite.node !== MUTE) continue;
      for (const port of caller.rtpPorts) {
        const before = seen.voice.streams(port, 0, cutAt).ssrcs;
        const after = seen.voice.streams(port, (endedAt ?? Infinity) + UNDER_WAY_MS, Infinity).ssrcs;
        expect(before).toHaveLength(1);
        expect(after.filter((ssrc) => before.includes(ssrc))).toEqual([]);
      }
    }
  });
});

async function untilLeased({ lab }: Scene, node: string): Promise<void> {
  const file = path.join(lab.info.logs, `node-agent-${node}.log`);
  await eventually(`${node} to have a lease`, async () =>
    (await readFile(file, 'utf8')).includes('holding a lease'),
  );
}
