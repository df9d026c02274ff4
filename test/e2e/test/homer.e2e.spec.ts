import { judge, phonesOf, type Crash, type Observation } from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOLD_MS, homerInsteadOfLedger, recoveriesOf, Scene } from '../src/index.js';

/** HOMER is believed 6 s after the death; the rest is for a machine that does much else. */
const BACK_MS = 60_000;

describe('an Asterisk crashes where HOMER is the only source of dialogs', () => {
  let scene: Scene;
  const crashes: Crash[] = [];
  let seen: Observation;

  /** The legs of three calls, and the two pairs of them that are joined, on one node. */
  async function untilOnRecord(node: string): Promise<void> {
    await eventually('the calls to be on record', async () => {
      const { rows } = await scene.db.query<{ legs: number; pairs: number; open: number }>(
        `select (select count(*)::int from legs where gone_at is null and state = 'Up' and node_id = $1) as legs,
                (select count(*)::int from bridges where gone_at is null and cardinality(channel_ids) = 2 and node_id = $1) as pairs,
                (select count(*)::int from audit_recoveries where outcome = 'under way') as open`,
        [node],
      );
      return rows[0]?.legs === 5 && rows[0].pairs === 2 && rows[0].open === 0;
    });
  }

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2 });
    await homerInsteadOfLedger(scene.lab, 7);
    await scene.phones.call([
      { kind: 'app', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'bridge', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee', caller: { behindNat: true } },
      { kind: 'dial', node: 'ast1', holdMs: HOLD_MS, callee: { copiesRecordRoute: false } },
    ]);
    await untilOnRecord('ast1');
    for (const [dies, next] of [
      ['ast1', 'ast2'],
      ['ast2', 'ast1'],
    ] as const) {
      const crash = await scene.crash(dies);
      crashes.push(crash);
      await scene.untilBack(crash, BACK_MS);
      await untilOnRecord(next);
      if (dies === 'ast1') await scene.revive('ast1');
    }
    seen = await scene.untilEnded();
  });
  afterAll(() => scene.close());

  it('and its calls come back, and again when the next one crashes', () => {
    expect(seen.doubts).toEqual([]);
    const [, second] = crashes;
    if (second === undefined) throw new Error('there were two crashes');
    expect(judge(seen.calls, second, seen.voice).map(({ kind, reasons }) => ({ kind, reasons }))).toEqual(
      ['app', 'bridge', 'dial'].map((kind) => ({ kind, reasons: [] })),
    );
    for (const phone of seen.calls.flatMap(phonesOf)) {
      const ours = phone.requests.filter(({ by, method }) => by === 'network' && method === 'INVITE');
      expect(ours.map(({ answer }) => answer?.status)).toEqual([200, 200]);
    }
  });

  it('and the audit says how long they waited for HOMER', async () => {
    for (const { node } of crashes)
      expect((await recoveriesOf(scene.db, node)).map(({ outcome }) => outcome)).toEqual(
        ['app', 'bridge', 'dial'].map(() => 'recovered'),
      );
    const { rows } = await scene.db.query<{ source: string; ms: number }>(
      'select waited_for as source, waited_ms::int as ms from audit_sources',
    );
    expect(rows.map(({ source }) => source)).toEqual(Array.from({ length: 6 }, () => 'homer'));
    // Not believed earlier than 6 s after the death.
    for (const { ms } of rows) expect(ms).toBeGreaterThan(5_000);
  });
});
