import type { Heartbeat, NodeHistory } from '@reinvite/domain';
import { describe, expect, it } from 'vitest';
import { NodeBook } from '../src/nodes/node-book.js';
import { isSurelyDead } from '../src/requests/standing.js';

function beat(nodeId: string, change: Partial<Heartbeat> = {}): Heartbeat {
  return {
    type: 'Heartbeat',
    nodeId,
    incarnation: `life-of-${nodeId}`,
    at: 0,
    intervalMs: 200,
    asterisk: 'up',
    liveChannels: 0,
    recoveryModule: true,
    ...change,
  };
}

const groups = new Map(['ast2', 'ast3'].map((nodeId) => [nodeId, 'default']));

describe('what is known of the nodes', () => {
  it('has legs that were just sent count for their target until its heartbeats show them', () => {
    let now = 10_000;
    const book = new NodeBook(groups, () => now, 0);
    book.heard(beat('ast2'));
    book.assign('ast2', 3);
    expect(book.candidates()[0]?.load).toBe(3);
    now = 12_500;
    book.heard(beat('ast2', { liveChannels: 3 }));
    expect(book.candidates()[0]?.load).toBe(3);
  });

  it('never has a dead incarnation for a target, whatever its last heartbeat said', () => {
    const book = new NodeBook(groups, () => 10_000, 0);
    book.heard(beat('ast2'));
    book.died({ nodeId: 'ast2', incarnation: 'life-of-ast2', at: 9_000 });
    expect(book.candidates()).toEqual([]);
    book.heard(beat('ast2', { incarnation: 'next' }));
    expect(book.candidates()).toMatchObject([{ incarnation: 'next', lastResort: true }]);
  });

  it('never has a node for a target that is not configured, and keeps nothing of it', () => {
    const book = new NodeBook(groups, () => 10_000, 0);
    book.heard(beat('ast99'));
    book.died({ nodeId: 'ast98', incarnation: 'life-of-ast98', at: 9_000 });
    book.assign('ast99', 1);
    expect(book.candidates()).toEqual([]);
    expect(book.standings()).toEqual([]);
    expect(book.lately('ast99', 1_000)).toBeNull();
  });

  it('waits for the first heartbeat where nobody was heard of yet', async () => {
    const book = new NodeBook(groups, () => 10_000, 0);
    const waiting = book.awaitCandidates(20_000);
    book.heard(beat('ast3', { asterisk: 'starting' }));
    book.heard(beat('ast2'));
    expect((await waiting).map((candidate) => candidate.nodeId)).toEqual(['ast2']);
  });

  it('waits until every node could be heard before it names any', async () => {
    const book = new NodeBook(groups, () => 10_000, 5);
    book.heard(beat('ast2'));
    const waiting = book.awaitCandidates(0);
    book.heard(beat('ast3'));
    expect((await waiting).map((candidate) => candidate.nodeId)).toEqual(['ast2', 'ast3']);
  });

  it('gives up waiting after the time that was given', async () => {
    expect(await new NodeBook(groups, () => 10_000, 0).awaitCandidates(1)).toEqual([]);
  });
});

describe('an incarnation is surely dead', () => {
  const history: NodeHistory = {
    current: { incarnation: '3000', standing: 'trusted' },
    down: new Set(['1000']),
  };
  it.each<[string, boolean, string, Heartbeat | null]>([
    ['its death was declared', true, '1000', null],
    [
      'its agent says that the process is gone',
      true,
      '2000',
      beat('a', { asterisk: 'down', incarnation: null }),
    ],
    [
      'its agent, which has seen it, says so',
      true,
      '2000',
      beat('a', { asterisk: 'down', incarnation: '2000' }),
    ],
    [
      'the agent of another life says so of that',
      false,
      '2000',
      beat('a', { asterisk: 'down', incarnation: '3000' }),
    ],
    ['its successor runs', true, '2000', beat('a', { incarnation: '3000' })],
    ['a later life runs that is not known for one', false, '2000', beat('a', { incarnation: '4000' })],
    ['an earlier life of the node runs', false, '2000', beat('a', { incarnation: '1500' })],
    ['a life of which nobody can tell when it began runs', false, '2000', beat('a', { incarnation: 'B' })],
    ['nothing is heard of it', false, '2000', null],
    ['it is up', false, '2000', beat('a', { incarnation: '2000' })],
    ['it hangs', false, '2000', beat('a', { incarnation: '2000', asterisk: 'unresponsive' })],
    ['it starts', false, '2000', beat('a', { incarnation: null, asterisk: 'starting' })],
  ])('when %s: %s', (_, dead, incarnation, heartbeat) => {
    expect(isSurelyDead(incarnation, history, heartbeat)).toBe(dead);
  });
});
