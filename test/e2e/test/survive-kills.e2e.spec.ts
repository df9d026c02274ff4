import { setTimeout as delay } from 'node:timers/promises';
import type { CallPlan, Crash, Observation } from '@reinvite/test-phones';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cameBack, HOLD_MS, outcomesOf, Scene, verdictsOf } from '../src/index.js';

/** One crash of the node, and which processes are killed with -9 how long after it. */
interface Round {
  readonly kill: readonly string[];
  readonly afterMs: number;
  /** Started again at once; without it only after the calls are back, so that the replicas are on their own. */
  readonly restarted?: true;
}

/** From the death being reported to the phones' answers: on a quiet machine the first re-INVITE leaves after some 250 ms. */
const ROUNDS: readonly Round[] = [
  { kill: ['recovery'], afterMs: 20 },
  { kill: ['recovery-2'], afterMs: 100 },
  { kill: ['recovery'], afterMs: 180 },
  { kill: ['ari-worker'], afterMs: 160 },
  { kill: ['ari-worker-2'], afterMs: 220 },
  { kill: ['ari-worker'], afterMs: 300 },
  { kill: ['recovery', 'ari-worker-2'], afterMs: 140 },
  { kill: ['recovery', 'recovery-2'], afterMs: 60, restarted: true },
  { kill: ['ari-worker', 'ari-worker-2'], afterMs: 200, restarted: true },
  { kill: ['sentinel', 'dialog-ledger'], afterMs: 0, restarted: true },
];
const NODE = 'ast1';
/** A replica's death costs its messages the time until they go to another; a machine that is busy with it all takes longer. */
const BACK_MS = 60_000;

const CALLS: readonly CallPlan[] = [
  { kind: 'app', node: NODE, holdMs: HOLD_MS },
  { kind: 'bridge', node: NODE, holdMs: HOLD_MS },
  { kind: 'dial', node: NODE, holdMs: HOLD_MS, hangsUp: 'callee' },
];

describe('services are killed with -9 in the middle of a recovery', () => {
  let scene: Scene;
  let seen: Observation;
  const crashes: Crash[] = [];

  async function play({ kill, afterMs, restarted }: Round): Promise<void> {
    const numbers = await scene.call(CALLS);
    const crash = await scene.crash(NODE);
    crashes.push(crash);
    await delay(afterMs);
    await Promise.all(kill.map((service) => scene.lab.kill(service)));
    if (restarted === true) await Promise.all(kill.map((service) => scene.lab.start(service)));
    await scene.untilBack(crash, BACK_MS);
    if (restarted !== true) await Promise.all(kill.map((service) => scene.lab.start(service)));
    await scene.revive(NODE);
    await scene.hangUp(numbers);
  }

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 3, services: { recovery: 2, 'ari-worker': 2 } });
    for (const round of ROUNDS) await play(round);
    seen = await scene.untilEnded();
  });
  afterAll(() => scene.close());

  it.each(ROUNDS.map((round, index) => [round.kill.join(' and '), round.afterMs, index] as const))(
    '%s after %i ms, and each call comes back with one re-INVITE for each phone (%i)',
    (_, __, index) => {
      const crash = crashes[index];
      if (crash === undefined) throw new Error('the round was not played');
      expect(verdictsOf(seen, crash)).toEqual(cameBack(CALLS));
    },
  );

  it('and every call of every life of the node has exactly one outcome', async () => {
    const rows = await outcomesOf(scene.db, NODE);
    expect(rows.map(({ outcome, reason }) => ({ outcome, reason }))).toEqual(
      ROUNDS.flatMap(() => CALLS.map(() => ({ outcome: 'recovered', reason: null }))),
    );
    expect(new Set(rows.map(({ callId }) => callId)).size).toBe(rows.length);
  });
});
