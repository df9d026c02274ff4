import { describe, expect, it } from 'vitest';
import { foldFacts } from '../../src/call-records/fold.js';
import { bridge, bridgeGone, leg, legGone, sequenced, synced, syncing } from './facts.js';

describe('folding call facts', () => {
  it('keeps the last observation of each leg and bridge', () => {
    const changes = foldFacts(
      sequenced([
        leg('a', 10, { state: 'Ring' }),
        leg('b', 11),
        leg('a', 12),
        bridge('x', 13, ['a']),
        bridge('x', 14, ['a', 'b']),
      ]),
    );
    expect(changes.legs.map((l) => [l.channelId, l.state, l.at, l.factSeq, l.goneAt])).toEqual([
      ['a', 'Up', 12, 3, null],
      ['b', 'Up', 11, 2, null],
    ]);
    expect(changes.bridges.map((b) => [b.bridgeId, b.channelIds, b.factSeq])).toEqual([['x', ['a', 'b'], 5]]);
    expect(changes.incarnations).toEqual([
      { nodeId: 'ast1', incarnation: '1000', firstSeenAt: 10, syncingSeq: null, syncedAt: null },
    ]);
  });

  it('ends a leg of the same batch in place, and keeps when it was observed', () => {
    const changes = foldFacts(
      sequenced([leg('a', 10), legGone('a', 20, 17), bridge('x', 10, ['a']), bridgeGone('x', 21)]),
    );
    expect(changes.legs).toMatchObject([{ channelId: 'a', at: 10, goneAt: 20, cause: 17, factSeq: 2 }]);
    expect(changes.bridges).toMatchObject([{ bridgeId: 'x', at: 10, goneAt: 21, factSeq: 4 }]);
    expect(changes.legEnds).toEqual([]);
    expect(changes.bridgeEnds).toEqual([]);
  });

  it('keeps when a leg was first seen up', () => {
    const changes = foldFacts(
      sequenced([
        leg('a', 10, { state: 'Ring' }),
        leg('a', 12),
        leg('a', 15),
        leg('b', 16, { state: 'Ring' }),
      ]),
    );
    expect(changes.legs.map(({ channelId, answeredAt }) => [channelId, answeredAt])).toEqual([
      ['a', 12],
      ['b', null],
    ]);
  });

  it('notes the end of what was observed before the batch', () => {
    const changes = foldFacts(sequenced([legGone('a', 20), bridgeGone('x', 21)], 7));
    expect(changes.legEnds).toMatchObject([{ channelId: 'a', goneAt: 20, cause: 16, factSeq: 7 }]);
    expect(changes.bridgeEnds).toMatchObject([{ bridgeId: 'x', goneAt: 21, factSeq: 8 }]);
  });

  it('lets a leg live that was observed again after its end', () => {
    const changes = foldFacts(
      sequenced([legGone('a', 20), leg('a', 21), bridgeGone('x', 22), bridge('x', 23, [])]),
    );
    expect(changes.legs).toMatchObject([{ channelId: 'a', goneAt: null, factSeq: 2 }]);
    expect(changes.bridges).toMatchObject([{ bridgeId: 'x', goneAt: null, factSeq: 4 }]);
    expect([...changes.legEnds, ...changes.bridgeEnds]).toEqual([]);
  });

  it('sweeps by the syncing of the batch, or else by the stored one', () => {
    expect(foldFacts(sequenced([syncing(1), leg('a', 2), synced(3)])).sweeps).toMatchObject([
      { before: 1, at: 3 },
    ]);
    expect(foldFacts(sequenced([leg('a', 2), synced(3)])).sweeps).toMatchObject([
      { before: 'stored', at: 3 },
    ]);
    const twice = foldFacts(sequenced([syncing(1), synced(3), syncing(4), synced(5), syncing(6)]));
    expect(twice.sweeps).toMatchObject([{ before: 3, at: 5 }]);
    expect(twice.incarnations).toMatchObject([{ syncingSeq: 5, syncedAt: 5 }]);
  });

  it('keeps the incarnations of a node and the nodes apart', () => {
    const changes = foldFacts(
      sequenced([leg('a', 1), leg('a', 2, { incarnation: '2000' }), leg('a', 3, { nodeId: 'ast2' })]),
    );
    expect(changes.legs.map((l) => [l.nodeId, l.incarnation, l.at])).toEqual([
      ['ast1', '1000', 1],
      ['ast1', '2000', 2],
      ['ast2', '1000', 3],
    ]);
    expect(changes.incarnations).toHaveLength(3);
  });
});
