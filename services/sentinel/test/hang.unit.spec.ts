import { noHistory, type Heartbeat, type NodeEvent, type Silences } from '@reinvite/domain';
import { describe, expect, it } from 'vitest';
import { observe, startWatch, wantsAnswer } from '../src/detector/detector.js';
import type { Observation, Watch } from '../src/detector/types.js';

const settings = {
  suspectAfterMs: 1_000,
  suspectWithinMs: 1_500,
  suspicionLevel: 8,
  hangAfterMs: 1_000,
  fenceAfterMs: 500,
};

/** One node, whose agent beats every 200 ms and says how long each witness has been silent. */
class Node {
  readonly events: NodeEvent[] = [];
  readonly fences: string[] = [];
  readonly revenants: string[] = [];
  watch: Watch = startWatch('ast1', noHistory, { mono: 0, at: 0 }, settings);

  tell(mono: number, observation: Observation): void {
    const verdict = observe(this.watch, observation, { mono, at: mono }, settings);
    this.watch = verdict.watch;
    this.events.push(...verdict.events);
    if (verdict.fence !== null) this.fences.push(verdict.fence);
    if (verdict.revenant !== null) this.revenants.push(verdict.revenant);
  }

  beat(
    mono: number,
    asterisk: Heartbeat['asterisk'],
    silences?: Silences,
    incarnation: string | null = 'A',
  ): void {
    this.tell(mono, {
      kind: 'heartbeat',
      heartbeat: {
        ...{ type: 'Heartbeat', nodeId: 'ast1', incarnation, at: mono, intervalMs: 200, asterisk },
        ...{ liveChannels: 0, recoveryModule: true },
        ...(silences === undefined ? {} : { silences }),
      },
    });
    this.tell(mono, { kind: 'tick' });
  }

  /** From 200 ms on, what the witnesses say at each beat. */
  live(
    until: number,
    said: (mono: number) => [asterisk: Heartbeat['asterisk'], silences: Silences],
    incarnation: string | null = 'A',
  ): this {
    for (let mono = 200; mono <= until; mono += 200) this.beat(mono, ...said(mono), incarnation);
    return this;
  }

  get story(): string[] {
    return this.events.map(({ type }) => type);
  }
}

const born = (): Node => {
  const node = new Node();
  node.beat(0, 'up', { ariMs: 0, sipMs: null, tasksMs: null });
  return node;
};
/** No sign of life from the moment 0 on. */
const all = (mono: number): Silences => ({ ariMs: mono, sipMs: mono, tasksMs: mono });

describe('a node whose witnesses are asked', () => {
  it('is hung when none of them has had a sign of life for the time, and is fenced without another wait', () => {
    const node = born().live(800, (mono) => ['up', all(mono)]);
    expect(node.story).toEqual(['NodeSeen']);
    node.live(1_200, (mono) => ['unresponsive', all(mono)]);
    expect(node.events.at(-1)).toMatchObject({ type: 'NodeSuspected', cause: 'hung' });
    node.tell(1_300, { kind: 'tick' });
    expect(node.fences).toEqual(['A']);
  });

  it.each<[string, Partial<Silences>]>([
    ['OPTIONS are answered', { sipMs: 40 }],
    ['its taskprocessors get on', { tasksMs: 200 }],
    ['ARI answers now and then', { ariMs: 500 }],
  ])('is busy and not hung while %s', (_why, sign) => {
    const node = born().live(60_000, (mono) => ['unresponsive', { ...all(mono), ...sign }]);
    expect(node.story).toEqual(['NodeSeen']);
    expect(wantsAnswer(node.watch, 60_100, settings)).toBe(false);
  });

  it('is judged by those alone that can be asked', () => {
    const node = born().live(1_000, (mono) => ['unresponsive', { ariMs: mono, sipMs: null, tasksMs: null }]);
    expect(node.events.at(-1)).toMatchObject({ cause: 'hung' });
    const known = born().live(5_000, (mono) => ['unresponsive', { ariMs: mono, sipMs: null, tasksMs: 10 }]);
    expect(known.story).toEqual(['NodeSeen']);
  });

  it('is cleared by one sign of life of any of them', () => {
    const node = born().live(1_200, (mono) => ['unresponsive', all(mono)]);
    node.watch = { ...node.watch, suspicion: { ...node.watch.suspicion!, fencing: false, fenceAt: 9_000 } };
    node.beat(1_400, 'unresponsive', { ariMs: 1_400, sipMs: 0, tasksMs: 1_400 });
    expect(node.story.at(-1)).toBe('NodeCleared');
  });

  it('is not suspected while its agent has not met it yet, and somebody there gives signs of life', () => {
    const node = born().live(30_000, (mono) => ['starting', { ...all(mono), tasksMs: 0 }], null);
    expect(node.story).toEqual(['NodeSeen']);
  });

  it('has half a minute to start, and is suspected then', () => {
    const node = born().live(30_000, (mono) => ['starting', all(mono)], null);
    expect(node.story).toEqual(['NodeSeen']);
    node.live(30_200, (mono) => ['starting', all(mono)], null);
    expect(node.events.at(-1)).toMatchObject({ type: 'NodeSuspected', cause: 'hung' });
  });

  it('is not held to what was said before the sentinel was deaf', () => {
    const node = born().live(800, (mono) => ['up', all(mono)]);
    node.tell(900, { kind: 'heartbeat', heartbeat: hungBeat(900) });
    node.tell(6_000, { kind: 'hearing-restored', graceMs: 5_000 });
    for (let mono = 6_100; mono <= 11_000; mono += 100) node.tell(mono, { kind: 'tick' });
    expect(node.story).toEqual(['NodeSeen']);
  });
});

function hungBeat(mono: number): Heartbeat {
  return {
    ...{ type: 'Heartbeat', nodeId: 'ast1', incarnation: 'A', at: mono, intervalMs: 200 },
    ...{ asterisk: 'unresponsive', liveChannels: 0, recoveryModule: false, silences: all(5_000) },
  };
}

describe('a life that was declared down', () => {
  it('is to be killed when it is heard of again, and never counts as alive', () => {
    const node = born();
    node.tell(2_000, { kind: 'declared-down', requestedBy: 'alice', reason: 'unplugged' });
    expect(node.events.slice(1)).toMatchObject([
      { type: 'NodeDeclaredDown', requestedBy: 'alice', reason: 'unplugged' },
      { type: 'NodeDown', evidence: 'operator' },
    ]);
    node.beat(2_200, 'up', { ariMs: 0, sipMs: null, tasksMs: null });
    expect(node.revenants).toEqual(['A']);
    expect(node.story).toEqual(['NodeSeen', 'NodeDeclaredDown', 'NodeDown']);
    node.tell(2_300, { kind: 'declared-down', requestedBy: 'bob', reason: '' });
    expect(node.story).toHaveLength(3);
  });

  it('is left alone where its agent says itself that it is gone', () => {
    const node = born();
    node.tell(100, {
      kind: 'process-gone',
      gone: { type: 'ProcessGone', nodeId: 'ast1', incarnation: 'A', at: 100, lastFactSeq: null },
    });
    node.beat(200, 'down');
    expect(node.revenants).toEqual([]);
  });
});

describe('a fence that is put off', () => {
  it('is tried again after the wait, and recorded as nothing', () => {
    const node = born();
    for (let mono = 100; mono <= 2_100; mono += 100) node.tell(mono, { kind: 'tick' });
    expect(node.fences).toEqual(['A']);
    node.tell(2_200, { kind: 'fence-put-off', incarnation: 'A', waitMs: 300, reason: 'r' });
    node.tell(2_400, { kind: 'tick' });
    expect(node.fences).toHaveLength(1);
    node.tell(2_500, { kind: 'tick' });
    expect(node.fences).toHaveLength(2);
    expect(node.story).toEqual(['NodeSeen', 'NodeSuspected']);
  });

  it('for ever is told as a fence that failed, once for each suspicion', () => {
    const node = born();
    let asked = 0;
    const putOffUntil = (until: number, from: number): void => {
      for (let mono = from; mono <= until; mono += 100) {
        node.tell(mono, { kind: 'tick' });
        if (node.fences.length === asked) continue;
        asked = node.fences.length;
        node.tell(mono, { kind: 'fence-put-off', incarnation: 'A', waitMs: 200, reason: 'an edge' });
      }
    };
    putOffUntil(11_000, 100);
    expect(node.story).toEqual(['NodeSeen', 'NodeSuspected']);
    putOffUntil(60_000, 11_100);
    expect(node.story).toEqual(['NodeSeen', 'NodeSuspected', 'FenceFailed']);
    expect(node.events.at(-1)).toMatchObject({
      tries: 1,
      reason: expect.stringContaining('an edge') as string,
    });
    expect(node.fences.length).toBeGreaterThan(100);
    node.beat(60_100, 'up', { ariMs: 0, sipMs: null, tasksMs: null });
    node.tell(60_150, { kind: 'fence-put-off', incarnation: 'A', waitMs: 200, reason: 'an edge' });
    putOffUntil(90_000, 60_200);
    expect(node.story.slice(3)).toEqual(['NodeCleared', 'NodeSuspected', 'FenceFailed']);
  });

  it('and whose node is heard meanwhile, is given up', () => {
    const node = born();
    for (let mono = 100; mono <= 2_100; mono += 100) node.tell(mono, { kind: 'tick' });
    node.beat(2_150, 'up', { ariMs: 0, sipMs: null, tasksMs: null });
    node.tell(2_200, { kind: 'fence-put-off', incarnation: 'A', waitMs: 300, reason: 'r' });
    expect(node.story).toEqual(['NodeSeen', 'NodeSuspected', 'NodeCleared']);
  });

  it('or that a lapsed lease stands in for, says so in the evidence', () => {
    const node = born();
    for (let mono = 100; mono <= 2_100; mono += 100) node.tell(mono, { kind: 'tick' });
    node.tell(20_000, {
      kind: 'fenced',
      incarnation: 'A',
      by: 'lease',
      told: null,
      agreedBy: ['s1', 's2'],
    });
    expect(node.events.slice(2)).toMatchObject([
      { type: 'NodeFenced', by: 'lease', agreedBy: ['s1', 's2'] },
      { type: 'NodeDown', evidence: 'lease-expired' },
    ]);
  });
});
