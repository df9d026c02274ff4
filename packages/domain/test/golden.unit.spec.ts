import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { evolve, recoveryEvent, unplanned } from '../src/index.js';

const history = z.object({
  ends: z.object({ outcome: z.string(), reason: z.string().nullable(), answered: z.array(z.boolean()) }),
  events: z.array(z.unknown()),
});

/**
 * What each release stored; the second knows attempts that wait, and targets that die; the third calls that are held; the fourth what
 * was going on, and came back; the fifth conferences that are joined again elsewhere, and who is left alone.
 */
const histories = [
  'recoveries.v1.json',
  'recoveries.v2.json',
  'recoveries.v3.json',
  'recoveries.v4.json',
  'recoveries.v5.json',
].flatMap((file) =>
  z.array(history).parse(JSON.parse(readFileSync(new URL(`golden/${file}`, import.meta.url), 'utf8'))),
);

describe('recoveries as the releases stored them', () => {
  it('hold every type of event that there was', () => {
    const types = histories.flatMap(({ events }) => events.map((event) => recoveryEvent.parse(event).type));
    expect([...new Set(types)].sort()).toEqual(
      recoveryEvent.options.map((option) => option.shape.type.value).sort(),
    );
  });

  it.each(histories.map((one, n) => [n, one] as const))(
    'number %i are read whole and end as they did',
    (_, { ends, events: stored }) => {
      const events = stored.map((event) => recoveryEvent.parse(event));
      expect(events).toEqual(stored);
      const state = events.reduce(evolve, unplanned);
      if (state.phase !== 'completed') throw new Error(`it is ${state.phase}`);
      const { outcome, reason, legs } = state;
      expect({ outcome, reason, answered: legs.map((leg) => leg.answered) }).toEqual(ends);
    },
  );
});
