import {
  byeOf,
  judge,
  nodeAt,
  phonesOf,
  reinvitesAfter,
  type Crash,
  type Observation,
} from '@reinvite/test-phones';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recoveriesOf, Scene } from '../src/index.js';

const HOLD_MS = 35_000;

describe('the node that took over dies too', () => {
  let scene: Scene;
  let second: Crash;
  let seen: Observation;

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2 });
    await scene.call([
      { kind: 'app', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'bridge', node: 'ast1', holdMs: HOLD_MS, caller: { reinvitesBack: true } },
      { kind: 'bridge', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee' },
      { kind: 'dial', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'dial', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee', callee: { behindNat: true } },
      { kind: 'dial', node: 'ast1', holdMs: HOLD_MS - 3_000, hangsUp: 'callee', goesOnMs: 3_000 },
    ]);
    const first = await scene.crash('ast1');
    const back = await scene.untilBack(first);
    expect(new Set(back.flatMap(phonesOf).map((phone) => nodeAt(phone, Infinity)))).toEqual(
      new Set(['ast2']),
    );
    await scene.revive('ast1');
    await scene.onRecord();
    second = await scene.crash('ast2');
    await scene.untilBack(second);
    seen = await scene.untilEnded();
  });
  afterAll(() => scene.close());

  it('and every call survives both, and ends as without a crash', () => {
    expect(judge(seen.calls, second, seen.voice).map(({ kind, reasons }) => ({ kind, reasons }))).toEqual(
      ['app', 'bridge', 'bridge', 'dial', 'dial', 'dial'].map((kind) => ({ kind, reasons: [] })),
    );
  });

  it('with a higher CSeq each time, from the node that had been dead first', () => {
    for (const phone of seen.calls.flatMap(phonesOf)) {
      const [first, again, ...more] = reinvitesAfter(phone, 0);
      expect(more).toEqual([]);
      expect(again?.cseq).toBeGreaterThan(first?.cseq ?? Infinity);
      expect([first?.node, again?.node]).toEqual(['ast2', 'ast1']);
      expect(byeOf(phone)?.answer?.status).toBe(200);
    }
  });

  it('and a call keeps its id in the audit', async () => {
    const [before, after] = await Promise.all([
      recoveriesOf(scene.db, 'ast1'),
      recoveriesOf(scene.db, 'ast2'),
    ]);
    expect(after.map(({ callId }) => callId).sort()).toEqual(before.map(({ callId }) => callId).sort());
    expect(after.map(({ callKind }) => callKind).sort()).toEqual(
      before.map(({ callKind }) => callKind).sort(),
    );
    expect(new Set([...before, ...after].map(({ outcome }) => outcome))).toEqual(new Set(['recovered']));
  });
});
