import { noHistory, type Heartbeat, type NodeEvent } from '@reinvite/domain';
import { describe, expect, it } from 'vitest';
import { observe, startWatch, wantsAnswer } from '../src/detector/detector.js';
import type { Observation, Watch } from '../src/detector/types.js';

const settings = {
  suspectAfterMs: 1_000,
  suspectWithinMs: 1_000,
  suspicionLevel: 8,
  hangAfterMs: 1_000,
  fenceAfterMs: 500,
};

/** Plays one node's story: each step says when (ms) and what; what the detector decided is collected. */
class Story {
  readonly events: string[] = [];
  readonly fences: string[] = [];
  readonly recorded: NodeEvent[] = [];
  private watch: Watch;

  constructor(before?: Watch) {
    this.watch = before ?? startWatch('ast1', noHistory, { mono: 0, at: 0 }, settings);
  }

  at(mono: number, observation: Observation): this {
    const verdict = observe(this.watch, observation, { mono, at: 1_000_000 + mono }, settings);
    this.watch = verdict.watch;
    this.recorded.push(...verdict.events);
    this.events.push(...verdict.events.map((event) => `${event.type} ${event.incarnation}`));
    if (verdict.fence !== null) this.fences.push(verdict.fence);
    return this;
  }

  beat(mono: number, incarnation: string | null, asterisk: Heartbeat['asterisk'] = 'up'): this {
    const heartbeat: Heartbeat = {
      type: 'Heartbeat',
      nodeId: 'ast1',
      incarnation,
      at: mono,
      intervalMs: 200,
      asterisk,
      liveChannels: 0,
      recoveryModule: true,
    };
    return this.at(mono, { kind: 'heartbeat', heartbeat });
  }

  gone(mono: number, incarnation: string): this {
    const gone = { type: 'ProcessGone' as const, nodeId: 'ast1', incarnation, at: mono, lastFactSeq: 7 };
    return this.at(mono, { kind: 'process-gone', gone });
  }

  ticks(...monos: readonly number[]): this {
    monos.forEach((mono) => this.at(mono, { kind: 'tick' }));
    return this;
  }

  /** The node's Asterisk answers the sentinel itself. */
  answers(mono: number, incarnation: string): this {
    return this.at(mono, { kind: 'answered', incarnation });
  }

  wantsAnswer(mono: number): boolean {
    return wantsAnswer(this.watch, mono, settings);
  }

  /** The same history in a new process. */
  restart(mono: number): Story {
    return new Story(startWatch('ast1', this.watch.history, { mono, at: mono }, settings));
  }
}

describe('the detector', () => {
  it('suspects nobody whom it never heard of', () => {
    expect(new Story().ticks(500, 5_000, 50_000).events).toEqual([]);
  });

  it('records a life when it first hears of it, and no more while that is well', () => {
    const story = new Story().beat(0, 'A').beat(200, 'A').ticks(300).beat(400, 'A').ticks(1_300);
    expect(story.events).toEqual(['NodeSeen A']);
  });

  it('declares a node down at once when its process is gone, with the last fact', () => {
    const story = new Story().beat(0, 'A').gone(10, 'A');
    expect(story.events).toEqual(['NodeSeen A', 'NodeDown A']);
    expect(story.recorded.at(-1)).toMatchObject({ evidence: 'process-gone', lastFactSeq: 7, at: 1_000_010 });
  });

  it('hands on that facts of a dead life are still to come', () => {
    const gone = {
      type: 'ProcessGone' as const,
      nodeId: 'ast1',
      incarnation: 'A',
      at: 10,
      lastFactSeq: 7,
      factsComplete: false,
    };
    const story = new Story().beat(0, 'A').at(10, { kind: 'process-gone', gone });
    expect(story.recorded.at(-1)).toMatchObject({ type: 'NodeDown', factsComplete: false });
  });

  it('declares a life down that it never heard of, on its agent’s word', () => {
    expect(new Story().gone(10, 'A').events).toEqual(['NodeDown A']);
  });

  it('declares the same life down once', () => {
    const story = new Story()
      .beat(0, 'A')
      .gone(10, 'A')
      .gone(60, 'A')
      .beat(100, 'A', 'down')
      .ticks(9_000)
      .gone(9_100, 'A');
    expect(story.events).toEqual(['NodeSeen A', 'NodeDown A']);
    expect(story.fences).toEqual([]);
  });

  it('never lets a life come back that was declared down', () => {
    const story = new Story().beat(0, 'A').gone(10, 'A').beat(20, 'A').beat(40, 'A').ticks(9_000);
    expect(story.events).toEqual(['NodeSeen A', 'NodeDown A']);
  });

  it('sees the next life of a node that was down', () => {
    const story = new Story()
      .beat(0, 'A')
      .gone(10, 'A')
      .beat(2_000, null, 'starting')
      .beat(2_200, 'B')
      .ticks(3_000)
      .gone(3_100, 'B');
    expect(story.events).toEqual(['NodeSeen A', 'NodeDown A', 'NodeSeen B', 'NodeDown B']);
  });

  it('dates a death by how long ago its agent saw it, whoever was away meanwhile', () => {
    const gone = {
      ...{ type: 'ProcessGone' as const, nodeId: 'ast1', incarnation: 'A', at: 1, lastFactSeq: 7 },
      agoMs: 400_000,
    };
    const told = new Story().beat(0, 'A').at(500_000, { kind: 'process-gone', gone });
    expect(told.recorded.at(-1)).toMatchObject({ type: 'NodeDown', at: 1_100_000 });
    const fenced = new Story().beat(0, 'A').ticks(1_001, 1_501);
    fenced.at(500_000, {
      ...{ kind: 'fenced', incarnation: 'A', by: 'agent', told: { lastFactSeq: 3 } },
      agoMs: 400_000,
    });
    expect(fenced.recorded.slice(-2)).toMatchObject([
      { type: 'NodeFenced', at: 1_500_000 },
      { type: 'NodeDown', at: 1_100_000 },
    ]);
  });

  it('does not take the news of an older life’s end for the end of the current one', () => {
    const story = new Story().beat(0, 'B').beat(200, 'A', 'down').gone(300, 'A').beat(400, 'B').ticks(1_300);
    expect(story.events).toEqual(['NodeSeen B', 'NodeDown A']);
  });

  it('suspects a silent node, fences it, and declares it down only when that is confirmed', () => {
    const story = new Story().beat(0, 'A').ticks(900, 1_001);
    expect(story.events).toEqual(['NodeSeen A', 'NodeSuspected A']);
    expect(story.recorded.at(-1)).toMatchObject({ cause: 'silent', forMs: 1_001 });
    story.ticks(1_400);
    expect(story.fences).toEqual([]);
    story.ticks(1_501, 1_600, 1_700);
    expect(story.fences).toEqual(['A']);
    story.at(1_800, { kind: 'fenced', incarnation: 'A', by: 'command', told: null });
    expect(story.events.slice(2)).toEqual(['NodeFenced A', 'NodeDown A']);
    expect(story.recorded.at(-1)).toMatchObject({ evidence: 'fenced', factsComplete: false });
  });

  it.each(['unresponsive', 'starting', 'down'] as const)(
    'suspects a node whose agent calls it %s for long enough',
    (status) => {
      const story = new Story().beat(0, 'A');
      for (let mono = 200; mono <= 1_000; mono += 200) story.beat(mono, 'A', status).ticks(mono);
      expect(story.events).toEqual(['NodeSeen A']);
      story.beat(1_200, 'A', status).ticks(1_210);
      expect(story.recorded.at(-1)).toMatchObject({ type: 'NodeSuspected', cause: status });
    },
  );

  it('clears a suspected node that is well again, and starts over when it fails again', () => {
    const story = new Story().beat(0, 'A').ticks(1_001).beat(1_200, 'A').ticks(1_600, 2_201);
    expect(story.events).toEqual(['NodeSeen A', 'NodeSuspected A', 'NodeCleared A', 'NodeSuspected A']);
    expect(story.fences).toEqual([]);
  });

  describe('when the agent is silent', () => {
    it('asks Asterisk itself in good time, and suspects nobody that answers, however long the silence', () => {
      const story = new Story().beat(0, 'A');
      expect([story.wantsAnswer(500), story.wantsAnswer(501)]).toEqual([false, true]);
      for (let mono = 550; mono < 60_000; mono += 550) story.answers(mono, 'A').ticks(mono + 540);
      expect(story.events).toEqual(['NodeSeen A']);
      expect(story.fences).toEqual([]);
    });

    it('suspects and fences it once Asterisk does not answer either', () => {
      const story = new Story().beat(0, 'A').answers(900, 'A').ticks(1_900);
      expect(story.events).toEqual(['NodeSeen A']);
      expect(story.ticks(1_901).events.at(-1)).toBe('NodeSuspected A');
      expect(story.ticks(2_401).fences).toEqual(['A']);
    });

    it('clears a suspected node that answers', () => {
      expect(new Story().beat(0, 'A').ticks(1_001).answers(1_100, 'A').events.at(-1)).toBe('NodeCleared A');
    });

    it('lets the result of a fence that is under way decide', () => {
      const story = new Story().beat(0, 'A').ticks(1_001, 1_501).answers(1_600, 'A');
      expect(story.events).toEqual(['NodeSeen A', 'NodeSuspected A']);
      story.at(1_700, { kind: 'fence-failed', incarnation: 'A', reason: 'left alone' });
      expect(story.events.slice(2)).toEqual(['FenceFailed A', 'NodeCleared A']);
    });

    it('takes the answer of another life for no proof of anything', () => {
      const story = new Story().beat(0, 'A').answers(900, 'B').ticks(1_001);
      expect(story.events).toEqual(['NodeSeen A', 'NodeSuspected A']);
    });

    it('does not bring a life back that was declared down', () => {
      const story = new Story().beat(0, 'A').gone(10, 'A').answers(900, 'A').ticks(5_000);
      expect(story.events).toEqual(['NodeSeen A', 'NodeDown A']);
      expect(story.wantsAnswer(5_000)).toBe(false);
    });
  });

  it('does not ask over the head of an agent that says its Asterisk is unwell', () => {
    const story = new Story().beat(0, 'A');
    for (let mono = 200; mono <= 1_200; mono += 200) story.beat(mono, 'A', 'unresponsive');
    expect(story.wantsAnswer(1_300)).toBe(false);
  });

  it('does not clear a node that says it is unwell', () => {
    expect(new Story().beat(0, 'A').ticks(1_001).beat(1_100, 'A', 'unresponsive').events).toEqual([
      'NodeSeen A',
      'NodeSuspected A',
    ]);
  });

  it('never declares a node down whose fence was not confirmed, and tries again with growing pauses', () => {
    const story = new Story().beat(0, 'A').ticks(1_001, 1_501);
    story.at(2_000, { kind: 'fence-failed', incarnation: 'A', reason: 'no answer' });
    story.ticks(2_900).ticks(3_000);
    expect(story.fences).toEqual(['A', 'A']);
    story.at(3_100, { kind: 'fence-failed', incarnation: 'A', reason: 'no answer' }).ticks(5_000);
    expect(story.fences).toHaveLength(2);
    story.ticks(5_100);
    expect(story.fences).toHaveLength(3);
    expect(story.events).not.toContain('NodeDown A');
    expect(story.recorded.filter((event) => event.type === 'FenceFailed')).toMatchObject([
      { tries: 1 },
      { tries: 2 },
    ]);
  });

  it('lets the fence’s result decide when the node is heard of meanwhile', () => {
    const confirmed = new Story().beat(0, 'A').ticks(1_001, 1_501).beat(1_600, 'A');
    confirmed.at(1_700, { kind: 'fenced', incarnation: 'A', by: 'agent', told: { lastFactSeq: 3 } });
    expect(confirmed.events.slice(2)).toEqual(['NodeFenced A', 'NodeDown A']);

    const refused = new Story().beat(0, 'A').ticks(1_001, 1_501).beat(1_600, 'A');
    refused.at(1_700, { kind: 'fence-failed', incarnation: 'A', reason: 'no' });
    expect(refused.events.slice(2)).toEqual(['FenceFailed A', 'NodeCleared A']);
  });

  it('takes the process’s end that is told while the fence is under way for the fence’s doing', () => {
    const story = new Story().beat(0, 'A').ticks(1_001, 1_501).gone(1_550, 'A');
    story.at(1_600, { kind: 'fenced', incarnation: 'A', by: 'agent', told: { lastFactSeq: null } });
    expect(story.events.slice(2)).toEqual(['NodeFenced A', 'NodeDown A']);
    expect(story.recorded.at(-1)).toMatchObject({ evidence: 'fenced', lastFactSeq: 7 });
  });

  it('counts silence anew when the sentinel itself could not hear', () => {
    const story = new Story().beat(0, 'A').at(5_000, { kind: 'hearing-restored' }).ticks(5_001, 5_900);
    expect(story.events).toEqual(['NodeSeen A']);
    expect(story.ticks(6_001).events.at(-1)).toBe('NodeSuspected A');
    story.at(6_400, { kind: 'hearing-restored' }).ticks(6_600);
    expect(story.fences).toEqual([]);
    expect(story.ticks(6_901).fences).toEqual(['A']);
  });

  it('records of a hang no time below zero, though nothing is held against the node yet', () => {
    const hung: Heartbeat = {
      ...{ type: 'Heartbeat', nodeId: 'ast1', incarnation: 'A', at: 0, intervalMs: 200 },
      ...{ asterisk: 'unresponsive', liveChannels: 0, recoveryModule: false },
      silences: { ariMs: 1_700, sipMs: null, tasksMs: null },
    };
    const story = new Story()
      .beat(0, 'A')
      .at(5_000, { kind: 'hearing-restored', graceMs: 3_000 })
      .at(5_100, { kind: 'heartbeat', heartbeat: hung })
      .ticks(5_150);
    expect(story.recorded.at(-1)).toMatchObject({ type: 'NodeSuspected', cause: 'hung', forMs: 1_700 });
  });

  it('waits for three heartbeats at least, however rarely they come', () => {
    const slow: Heartbeat = {
      type: 'Heartbeat', nodeId: 'ast1', incarnation: 'A', at: 0, intervalMs: 1_000, asterisk: 'up', liveChannels: 0, recoveryModule: true,
    }; // prettier-ignore
    const story = new Story()
      .at(0, { kind: 'heartbeat', heartbeat: slow })
      .at(1_000, { kind: 'heartbeat', heartbeat: slow });
    expect(story.ticks(3_900).events).toEqual(['NodeSeen A']);
    expect(story.ticks(4_001).events.at(-1)).toBe('NodeSuspected A');
  });

  describe('after a restart of the sentinel', () => {
    it('gives a node that it knew the full time before it suspects it', () => {
      const story = new Story().beat(0, 'A').restart(60_000).ticks(60_900);
      expect(story.events).toEqual([]);
      expect(story.ticks(61_001).events).toEqual(['NodeSuspected A']);
    });

    it('goes on with a suspicion, and still knows who is down', () => {
      const suspected = new Story().beat(0, 'A').ticks(1_001).restart(60_000);
      expect(suspected.ticks(60_501).fences).toEqual(['A']);
      expect(
        new Story().beat(0, 'A').gone(10, 'A').restart(60_000).gone(60_001, 'A').beat(60_100, 'A').events,
      ).toEqual([]);
    });

    it('declares the life down that ended while nobody watched', () => {
      expect(new Story().beat(0, '1').restart(60_000).beat(60_600, '50000').events).toEqual([
        'NodeDown 1',
        'NodeSeen 50000',
      ]);
    });
  });
});
