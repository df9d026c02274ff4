import { describe, expect, it } from 'vitest';
import { FAULTS, isDeadly } from '../src/draw/catalogue.js';
import { printedSchedule, scheduleOf } from '../src/draw/schedule.js';
import { readOptions } from '../src/options.js';

const nodes = ['ast1', 'ast2', 'ast3', 'ast4'];
const all = FAULTS.map(({ id }) => id);
const draw = { seed: 7, forMs: 1_200_000, faults: all, nodes };

describe('a schedule', () => {
  it('is the same for the same seed, and another one for another', () => {
    expect(scheduleOf(draw)).toEqual(scheduleOf(draw));
    expect(scheduleOf(draw)).not.toEqual(scheduleOf({ ...draw, seed: 8 }));
  });

  it('has every fault once before it has any again', () => {
    const ids = scheduleOf(draw).map(({ fault }) => fault);
    expect([...ids.slice(0, all.length)].sort()).toEqual([...all].sort());
    expect([...ids.slice(all.length, 2 * all.length)].sort()).toEqual([...all].sort());
  });

  it('begins no fault before the last step of the one before, and none after its time', () => {
    const injections = scheduleOf(draw);
    for (const [index, { atMs, steps }] of injections.entries()) {
      const next = injections[index + 1];
      for (const step of steps) expect(atMs + step.atMs).toBeLessThan(next?.atMs ?? Infinity);
      expect(atMs).toBeLessThan(draw.forMs);
    }
  });

  it('is longer when the time is, and otherwise the same', () => {
    const short = scheduleOf({ ...draw, forMs: 100_000 });
    expect(scheduleOf(draw).slice(0, short.length)).toEqual(short);
  });

  it('leaves a node for the calls of those that die', () => {
    for (const { dying } of scheduleOf(draw)) expect(dying.length).toBeLessThan(nodes.length - 1);
  });

  it('kills no node that died last: it has no calls yet', () => {
    const deaths = scheduleOf(draw).filter(({ dying }) => dying.length > 0);
    for (const [index, { dying }] of deaths.entries()) {
      for (const node of deaths[index + 1]?.dying ?? []) expect(dying).not.toContain(node);
    }
  });

  it('is printed with what is done to whom', () => {
    const [first] = scheduleOf(draw);
    const text = printedSchedule(scheduleOf(draw));
    expect(text).toContain(first?.fault);
    for (const step of first?.steps ?? []) expect(text).toContain(`${step.operation} ${step.target}`);
  });
});

describe('a fault', () => {
  it.each(FAULTS)('is among those that end a node where it does: $id', ({ id }) => {
    const [first] = scheduleOf({ ...draw, faults: [id] });
    expect(isDeadly(id)).toBe((first?.dying.length ?? 0) > 0);
  });

  it.each(FAULTS)('ends no node in passing: $id', ({ draw: drawFault, id }) => {
    const { steps, dying } = scheduleOf({ ...draw, faults: [id] })[0] ?? { steps: [], dying: [] };
    expect(drawFault).toBeTypeOf('function');
    const ends = steps
      .filter(({ operation, target, from }) => {
        const isForGood = !steps.some((step) => step.target === target && step.operation === 'heal');
        return nodes.includes(target) && from === undefined && isForGood && operation !== 'heal';
      })
      .map(({ target }) => target);
    expect([...new Set(ends)]).toEqual(dying);
  });
});

describe('the command line', () => {
  it('has defaults, and names what it does not take', () => {
    expect(readOptions([])).toEqual({ seconds: 120, calls: 24, nodes: 4, patience: 1, only: all, add: [] });
    expect(readOptions(['--seed', '3', '--only', 'node-hung,node-cut'])).toMatchObject({
      seed: 3,
      only: ['node-hung', 'node-cut'],
    });
    expect(() => readOptions(['--only', 'earthquake'])).toThrow('there is no fault earthquake');
    expect(() => readOptions(['--seconds', 'long'])).toThrow('a whole number from 10');
  });
});
