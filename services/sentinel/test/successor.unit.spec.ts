import { noHistory, type Heartbeat, type NodeHistory } from '@reinvite/domain';
import { describe, expect, it } from 'vitest';
import { observe, startWatch } from '../src/detector/detector.js';

const settings = {
  suspectAfterMs: 1_000,
  suspectWithinMs: 1_000,
  suspicionLevel: 8,
  hangAfterMs: 1_000,
  fenceAfterMs: 500,
};

/** A node of which the life 1000 is known, as a sentinel sees it from 10,000 ms on; the hosts' clocks say the same. */
function node(history?: NodeHistory) {
  let watch = startWatch('ast1', history ?? noHistory, { mono: 10_000, at: 10_000 }, settings);
  const events: string[] = [];
  const seconds: string[] = [];
  const play = (at: number, observation: Parameters<typeof observe>[1]) => {
    const verdict = observe(watch, observation, { mono: at, at }, settings);
    watch = verdict.watch;
    events.push(...verdict.events.map((event) => `${event.type} ${event.incarnation}`));
    if (verdict.second !== null) seconds.push(verdict.second);
    return verdict;
  };
  const beat = (at: number, incarnation: string, asterisk: Heartbeat['asterisk'] = 'up') => {
    const heartbeat: Heartbeat = {
      ...{ type: 'Heartbeat', nodeId: 'ast1', incarnation, at, intervalMs: 200, asterisk },
      ...{ liveChannels: 0, recoveryModule: true },
      silences: { ariMs: 0, sipMs: null, tasksMs: null },
    };
    return play(at, { kind: 'heartbeat', heartbeat });
  };
  const tick = (at: number) => play(at, { kind: 'tick' });
  const answers = (at: number, incarnation: string) => play(at, { kind: 'answered', incarnation });
  return { events, seconds, beat, tick, answers };
}

const known: NodeHistory = { current: { incarnation: '1000', standing: 'trusted' }, down: new Set() };

describe('another life of a node', () => {
  it('proves that the one before is over where it started right after that was last up', () => {
    const { events, seconds, beat } = node();
    beat(10_000, '1000');
    beat(10_200, '1000');
    const { events: told } = beat(10_400, '10201');
    expect(events).toEqual(['NodeSeen 1000', 'NodeDown 1000', 'NodeSeen 10201']);
    expect(told[0]).toMatchObject({ evidence: 'superseded', lastFactSeq: null, factsComplete: false });
    expect(seconds).toEqual([]);
  });

  it('does not prove it while the one before, whose agent is away, answers by itself', () => {
    const { events, beat, answers } = node();
    beat(10_000, '1000');
    answers(12_000, '1000');
    beat(12_100, '11000');
    expect(events).toEqual(['NodeSeen 1000']);
    beat(12_900, '11000');
    expect(events).toEqual(['NodeSeen 1000', 'NodeDown 1000', 'NodeSeen 11000']);
  });

  it('proves it also where the one before was told to be unresponsive since', () => {
    const { events, beat } = node();
    beat(10_000, '1000');
    beat(10_400, '1000', 'unresponsive');
    beat(10_600, '10201');
    expect(events).toContain('NodeDown 1000');
  });

  it.each([
    ['a later one of which the first was up after it started', '10100'],
    ['an earlier one', '500'],
    ['one that is not named by its start', 'B'],
  ])('proves nothing: %s', (_, second) => {
    const { events, seconds, beat, tick } = node();
    beat(10_000, '1000');
    for (let at = 10_200; at < 20_000; at += 200) {
      beat(at, '1000');
      expect(beat(at + 10, second).revenant).toBeNull();
      tick(at + 20);
    }
    expect(events).toEqual(['NodeSeen 1000']);
    expect(new Set(seconds)).toEqual(new Set([second]));
  });

  it('that beats beside the first does not keep the silence of the first from being seen', () => {
    const { events, beat, tick } = node();
    for (let at = 10_000; at < 11_000; at += 200) beat(at, '1000');
    for (let at = 11_000; at < 12_500; at += 200) {
      beat(at, '10100');
      tick(at + 10);
    }
    expect(events).toEqual(['NodeSeen 1000', 'NodeSuspected 1000']);
  });

  it('proves nothing to who has not listened for long enough to hear the first, then it does', () => {
    const { events, seconds, beat } = node(known);
    beat(10_100, '5000');
    beat(10_500, '5000');
    expect([events, seconds]).toEqual([[], []]);
    beat(10_700, '5000');
    expect(events).toEqual(['NodeDown 1000', 'NodeSeen 5000']);
  });

  it('proves nothing where it is an earlier one, also to who has not heard the first', () => {
    const { events, seconds, beat } = node(known);
    beat(11_000, '500');
    expect([events, seconds]).toEqual([[], ['500']]);
  });

  it('proves nothing to who hears the first meanwhile', () => {
    const { events, beat } = node(known);
    for (let at = 10_100; at < 12_000; at += 200) {
      beat(at, '5000');
      beat(at + 10, '1000');
    }
    expect(events).toEqual([]);
  });
});
