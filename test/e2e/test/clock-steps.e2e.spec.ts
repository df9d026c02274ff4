import { setTimeout as delay } from 'node:timers/promises';
import { byeOf, judge, phonesOf, type CallPlan } from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recoveriesOf, Scene } from '../src/index.js';

const HOLD_MS = 120_000;
const HOUR_MS = 3_600_000;
/** Nobody compares a sentinel's clock with an agent's: less apart than a death may be old (`too-late`, 2 min). */
const FAR_APART_MS = 60_000;
/** Each so far from the lab's own clock, and two of them more than docs/detection.md allows. */
const APART_MS = 1_500;
/** From a step until a wrong verdict would have led to a fence, with room. */
const SETTLE_MS = 4_000;
const SERVICES = [
  'dialog-ledger',
  'sentinel',
  'recovery',
  'ari-worker',
  'node-agent-ast1',
  'node-agent-ast2',
];
const CALLS: readonly CallPlan[] = [
  { kind: 'app', node: 'ast1', holdMs: HOLD_MS },
  { kind: 'bridge', node: 'ast1', holdMs: HOLD_MS },
  { kind: 'dial', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee' },
];

/** The lab's sentinel has a fence command, so that a node which is taken for dead by mistake is killed. */
describe('wall clocks that step', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2, settableClocks: true });
    await scene.call(CALLS);
  });
  afterAll(() => scene.close());

  it.each([
    ['an hour ahead', HOUR_MS],
    ['an hour behind', -HOUR_MS],
    ['back to where they were', 0],
  ])('%s, one service after the other, lead to nothing', async (_, aheadMs) => {
    for (const service of SERVICES) await scene.lab.setClock(service, aheadMs);
    await delay(SETTLE_MS);
    const { rows } = await scene.db.query(
      // A suspicion that is cleared is right on a machine that is short of processor.
      `select type from events where type in ('NodeFenced', 'FenceFailed', 'NodeDown')`,
    );
    expect(rows).toEqual([]);
  });

  it('and with clocks farther apart than they may be a dead node’s calls come back all the same', async () => {
    await scene.lab.setClock('sentinel', -FAR_APART_MS);
    await scene.lab.setClock('node-agent-ast1', FAR_APART_MS);
    await scene.lab.setClock('recovery', APART_MS);
    await scene.lab.setClock('ari-worker', -APART_MS);
    await scene.lab.setClock('node-agent-ast2', -APART_MS);
    const crash = await scene.crash('ast1');
    await scene.untilBack(crash);
    const seen = await scene.untilEnded();
    expect(judge(seen.calls, crash, seen.voice).map(({ kind, reasons }) => ({ kind, reasons }))).toEqual(
      CALLS.map(({ kind }) => ({ kind, reasons: [] })),
    );
    expect(seen.calls.flatMap(phonesOf).map((phone) => byeOf(phone)?.answer?.status)).toEqual(
      Array.from({ length: 5 }, () => 200),
    );
    const outcomes = await eventually('the outcomes', async () => {
      const rows = await recoveriesOf(scene.db, 'ast1');
      return rows.every(({ outcome }) => outcome !== 'under way')
        ? rows.map(({ outcome }) => outcome)
        : undefined;
    });
    expect(outcomes).toEqual(CALLS.map(() => 'recovered'));
  });
});
