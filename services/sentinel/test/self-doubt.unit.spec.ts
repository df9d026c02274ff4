import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { echo, noDoubt, patience, tick, type SelfDoubt } from '../src/detector/self-doubt.js';

const INTERVAL = 100;
const sound = (doubt: SelfDoubt, ticks: number): SelfDoubt => {
  let now = doubt;
  for (let count = 0; count < ticks; count += 1) now = tick(now, (now.tickAt ?? 0) + INTERVAL, INTERVAL);
  return now;
};

describe('self-doubt', () => {
  it('is none while ticks and echoes are on time', () => {
    expect(patience(echo(sound(noDoubt, 100), INTERVAL, INTERVAL))).toBe(1);
  });

  it('grows by each interval that a tick is late, up to a bound', () => {
    const late = (ms: number): number => patience(tick(sound(noDoubt, 1), INTERVAL + ms, INTERVAL));
    expect([late(150), late(250), late(350), late(60_000)]).toEqual([1, 2, 3, 5]);
  });

  it('grows when an echo is late', () => {
    expect(patience(echo(noDoubt, INTERVAL + 1, INTERVAL))).toBe(2);
  });

  it('goes by ten sound ticks at a time', () => {
    const unsure = tick(sound(noDoubt, 1), INTERVAL + 350, INTERVAL);
    expect([9, 10, 20].map((ticks) => patience(sound(unsure, ticks)))).toEqual([3, 2, 1]);
  });

  it('is between 1 and 5, whatever happens, and 1 again after a while of soundness', () => {
    const happening = fc.oneof(
      fc.record({ late: fc.integer({ min: 0, max: 10_000 }) }),
      fc.record({ trip: fc.integer({ min: 0, max: 10_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 50 }), (happenings) => {
        const doubt = happenings.reduce(
          (now, one) =>
            'trip' in one
              ? echo(now, one.trip, INTERVAL)
              : tick(now, (now.tickAt ?? 0) + INTERVAL + one.late, INTERVAL),
          noDoubt,
        );
        expect(patience(doubt)).toBeGreaterThanOrEqual(1);
        expect(patience(doubt)).toBeLessThanOrEqual(5);
        expect(patience(sound(doubt, 50))).toBe(1);
      }),
    );
  });
});
