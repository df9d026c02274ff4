import { describe, expect, it } from 'vitest';
import { programmeOf } from '../src/calls.js';
import { readOptions } from '../src/options.js';
import { throttled } from '../src/progress.js';

describe('the calls of the demo', () => {
  it.each([3, 60, 200])('are %i, a third of each kind, and pairs are ended by either phone', (calls) => {
    const { plans } = programmeOf(calls);
    expect(plans).toHaveLength(calls);
    for (const kind of ['app', 'bridge', 'dial']) {
      expect(Math.abs(plans.filter((plan) => plan.kind === kind).length - calls / 3)).toBeLessThan(1);
    }
    if (calls > 3) expect(new Set(plans.map(({ hangsUp }) => hangsUp)).size).toBe(2);
  });

  it('all talk until well after the last one began, and none longer than said', () => {
    const { plans, perSecond, lastHangUpMs } = programmeOf(200);
    const ends = plans.map(({ holdMs }, index) => (index * 1_000) / perSecond + holdMs);
    expect(Math.min(...ends)).toBeGreaterThan((200 * 1_000) / perSecond + 10_000);
    expect(Math.max(...ends)).toBeLessThanOrEqual(lastHangUpMs);
  });
});

describe('the command line', () => {
  it('has defaults, and names what it does not take', () => {
    expect(readOptions([])).toEqual({ calls: 60, nodes: 3, billing: false });
    expect(readOptions(['--calls', '200', '--json', 'x.json'])).toEqual({
      calls: 200,
      nodes: 3,
      billing: false,
      json: 'x.json',
    });
    expect(() => readOptions(['--calls', 'many'])).toThrow('a whole number from 3');
    expect(() => readOptions(['--nodes', '1'])).toThrow('a whole number from 2');
  });
});

describe('progress', () => {
  it('is every change in a terminal, and where lines are kept the first and the last of a burst', () => {
    for (const [terminal, expected] of [
      [true, ['1', '2', '3']],
      [false, ['1', '3']],
    ] as const) {
      const lines: string[] = [];
      const { say, end } = throttled((line) => lines.push(line), terminal);
      for (const line of ['1', '1', '2', '3']) say(line);
      end();
      end();
      expect(lines).toEqual(expected);
    }
  });
});
