import { describe, expect, it } from 'vitest';
import type { NodeEvent } from '../src/node-events.js';
import { evolveNode, isNodeNews, noHistory, type NodeHistory } from '../src/node-history.js';

const of = (incarnation: string) => ({ nodeId: 'ast1', incarnation, at: 1 });
const seen = (incarnation: string): NodeEvent => ({ ...of(incarnation), type: 'NodeSeen' });
const suspected = (incarnation: string): NodeEvent => ({
  ...of(incarnation),
  type: 'NodeSuspected',
  cause: 'silent',
  forMs: 1,
});
const cleared = (incarnation: string): NodeEvent => ({ ...of(incarnation), type: 'NodeCleared' });
const down = (incarnation: string): NodeEvent => ({
  ...of(incarnation),
  type: 'NodeDown',
  evidence: 'process-gone',
  lastFactSeq: null,
});

const given = (...events: readonly NodeEvent[]): NodeHistory => events.reduce(evolveNode, noHistory);

describe('a node’s history', () => {
  it('follows its latest life', () => {
    expect(given(seen('A')).current).toEqual({ incarnation: 'A', standing: 'trusted' });
    expect(given(seen('A'), suspected('A')).current?.standing).toBe('suspected');
    expect(given(seen('A'), suspected('A'), cleared('A')).current?.standing).toBe('trusted');
    expect(given(seen('A'), down('A'), seen('B')).current).toEqual({ incarnation: 'B', standing: 'trusted' });
  });

  it('keeps every life that is over', () => {
    expect([...given(seen('A'), down('A'), seen('B'), down('B')).down]).toEqual(['A', 'B']);
  });

  it('does not take an older life’s end for that of the current one', () => {
    expect(given(seen('B'), down('A')).current).toEqual({ incarnation: 'B', standing: 'trusted' });
    expect(given(seen('B'), suspected('A')).current?.standing).toBe('trusted');
  });

  it('takes the end of a life that it never saw', () => {
    expect(given(down('A')).current).toEqual({ incarnation: 'A', standing: 'down' });
  });
});

describe('an event', () => {
  it('is news once', () => {
    for (const [before, event] of [
      [given(), seen('A')],
      [given(seen('A')), suspected('A')],
      [given(seen('A'), suspected('A')), cleared('A')],
      [given(seen('A')), down('A')],
    ] as const) {
      expect(isNodeNews(before, event)).toBe(true);
      expect(isNodeNews(evolveNode(before, event), event)).toBe(false);
    }
  });

  it('of a life that is over is no news', () => {
    const over = given(seen('A'), down('A'));
    for (const event of [seen('A'), suspected('A'), cleared('A'), down('A')])
      expect(isNodeNews(over, event)).toBe(false);
  });
});
