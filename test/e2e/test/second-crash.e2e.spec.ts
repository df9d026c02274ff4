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
import { HOLD_MS, recoveriesOf, Scene } from '../src/index.js';

describe('the node that took over dies too, and the next one', () => {
  let scene: Scene;
  let third: Crash;
  let seen: Observation;

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2 });
    await scene.call([
      { kind: 'app', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'bridge', node: 'ast1', holdMs: HOLD_MS, caller: { reinvitesBack: true } },
      { kind: 'bridge', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee' },
      { kind: 'dial', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'dial', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee', callee: { behindNat: true } },
      { kind: 'dial', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee', goesOnMs: 3_000 },
    ]);
    const first = await scene.crash('ast1');
    const back = await scene.untilBack(first);
    expect(new Set(back.flatMap(phonesOf).map((phone) => nodeAt(phone, Infinity)))).toEqual(
      new Set(['ast2']),
    );
    await scene.revive('ast1');
    await scene.onRecord();
    await scene.untilBack(await scene.crash('ast2'));
    await scene.revive('ast2');
    await scene.onRecord();
    third = await scene.crash('ast1');
    await scene.untilBack(third);
    seen = await scene.untilEnded();
  });
  afterAll(() => scene.close());

  it('and every call survives all three, and ends as without a crash', () => {
    expect(judge(seen.calls, third, seen.voice).map(({ kind, reasons }) => ({ kind, reasons }))).toEqual(
      ['app', 'bridge', 'bridge', 'dial', 'dial', 'dial'].map((kind) => ({ kind, reasons: [] })),
    );
  });

  it('with a higher CSeq each time, from the node that is alive', () => {
    for (const phone of seen.calls.flatMap(phonesOf)) {
      const reinvites = reinvitesAfter(phone, 0);
      expect(reinvites.map(({ node }) => node)).toEqual(['ast2', 'ast1', 'ast2']);
      const cseqs = reinvites.map(({ cseq }) => cseq);
      expect(cseqs).toEqual([...new Set(cseqs)].sort((one, other) => one - other));
      expect(byeOf(phone)?.answer?.status).toBe(200);
    }
  });

  it('and a call keeps its id in the audit', async () => {
    const [ofFirst, ofSecond] = await Promise.all([
      recoveriesOf(scene.db, 'ast1'),
      recoveriesOf(scene.db, 'ast2'),
    ]);
    const callsOf = (rows: typeof ofFirst): string[] =>
      rows.map(({ callId, callKind }) => `${callId} ${callKind}`).sort();
    const once = callsOf(ofSecond);
    expect(once).toHaveLength(6);
    expect(callsOf(ofFirst)).toEqual([...once, ...once].sort());
    expect(new Set([...ofFirst, ...ofSecond].map(({ outcome }) => outcome))).toEqual(new Set(['recovered']));
  });
});
