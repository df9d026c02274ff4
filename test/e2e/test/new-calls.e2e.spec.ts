import { establishedAt, nodeAt, phonesOf, type ObservedCall } from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { edgeOf, HOLD_MS, Scene, type Edge } from '../src/index.js';

const CALLS = 9;

describe('new calls, when a node has died and the edge has not noticed', () => {
  let scene: Scene;
  let edge: Edge;
  let calls: readonly ObservedCall[];

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 3 });
    edge = edgeOf(scene.lab);
    // Its own probes would tell it after a second or two.
    await edge.probes(false);
    await scene.crash('ast1');
    await eventually('the edge to be told', async () => (await edge.flagsOf('ast1')).startsWith('I'));
    const numbers = await scene.phones.call(
      Array.from({ length: CALLS }, () => ({ kind: 'app', holdMs: HOLD_MS }) as const),
    );
    calls = await scene.phones.until('the calls', (seen) => {
      const ours = seen.filter(({ number }) => numbers.includes(number));
      return ours.length === CALLS && ours.flatMap(phonesOf).every((phone) => establishedAt(phone) !== null);
    });
  });
  afterAll(() => scene.close());

  it('go to those that live', () => {
    const nodes = new Set(calls.flatMap(phonesOf).map((phone) => nodeAt(phone, Infinity)));
    expect([...nodes].sort()).toEqual(['ast2', 'ast3']);
  });

  it('go there again when it is back, as its probes say', async () => {
    await edge.probes(true);
    await scene.revive('ast1');
    expect(
      await eventually('the edge to know', async () => edge.flagsOf('ast1').then((f) => f === 'AP')),
    ).toBe(true);
  });
});
