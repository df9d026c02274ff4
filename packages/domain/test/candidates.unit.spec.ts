import { describe, expect, it } from 'vitest';
import { candidatesOf, type Heartbeat, type NodeStanding } from '../src/index.js';

function standing(change: Partial<Heartbeat> = {}, about: Partial<NodeStanding> = {}): NodeStanding {
  const heartbeat: Heartbeat = {
    type: 'Heartbeat',
    nodeId: 'ast2',
    incarnation: '2000',
    at: 50_000,
    intervalMs: 200,
    asterisk: 'up',
    liveChannels: 7,
    recoveryModule: true,
    ...change,
  };
  return {
    heartbeat,
    group: 'default',
    heardAt: 10_000,
    dead: new Set(),
    diedAt: null,
    assigned: 0,
    ...about,
  };
}

describe('a node can take calls', () => {
  it('when it is up, has the module and was heard of lately, by our own clock', () => {
    expect(candidatesOf([standing()], 10_300)).toEqual([
      { nodeId: 'ast2', incarnation: '2000', group: 'default', load: 7, lastResort: false },
    ]);
  });

  it.each<[string, NodeStanding]>([
    ['is down', standing({ asterisk: 'down' })],
    ['does not answer', standing({ asterisk: 'unresponsive' })],
    ['is starting', standing({ asterisk: 'starting' })],
    ['lacks the module', standing({ recoveryModule: false })],
    ['has no incarnation', standing({ incarnation: null })],
    ['has been declared dead', standing({}, { dead: new Set(['2000']) })],
    ['was not heard of for a while', standing({}, { heardAt: 9_000 })],
  ])('not when it %s', (_, node) => {
    expect(candidatesOf([node], 10_300)).toEqual([]);
  });

  it('counts the legs that are on their way to it', () => {
    expect(candidatesOf([standing({}, { assigned: 5 })], 10_300)[0]?.load).toBe(12);
  });

  it('not while it flaps, even where it is the only one', () => {
    expect(candidatesOf([standing({}, { shunnedUntil: 10_301 })], 10_300)).toEqual([]);
    expect(candidatesOf([standing({}, { shunnedUntil: 10_300 })], 10_300)).toHaveLength(1);
  });

  it('is a last resort for a while after another life of it has crashed', () => {
    expect(
      candidatesOf([standing({}, { dead: new Set(['1000']), diedAt: 9_000 })], 10_300)[0]?.lastResort,
    ).toBe(true);
    const later = standing({}, { dead: new Set(['1000']), diedAt: 9_000, heardAt: 900_000 });
    expect(candidatesOf([later], 900_000)[0]?.lastResort).toBe(false);
  });
});
