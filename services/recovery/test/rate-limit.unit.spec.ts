import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimit } from '../src/requests/rate-limit.js';

const RATE = expect.objectContaining({ code: 'RECOVERY_REQUEST_RATE' }) as unknown;

/** How many of so many askings are taken. */
function taken(limit: RateLimit, times: number, who: (n: number) => string): number {
  let count = 0;
  for (let n = 0; n < times; n += 1) {
    try {
      limit.take(who(n));
      count += 1;
    } catch (error) {
      expect(error).toEqual(RATE);
    }
  }
  return count;
}

describe('how often it may be asked for recoveries', () => {
  it('is limited for each requester, and again possible later', () => {
    let now = 0;
    const limit = new RateLimit({ perMinute: 3, totalPerMinute: 100 }, () => now);
    expect(taken(limit, 10, () => 'alice')).toBe(3);
    expect(taken(limit, 10, () => 'bob')).toBe(3);
    now = 20_000;
    expect(taken(limit, 10, () => 'alice')).toBe(1);
    now = 120_000;
    expect(taken(limit, 10, () => 'alice')).toBe(3);
  });

  it('is limited for all together, whatever names they take', () => {
    const limit = new RateLimit({ perMinute: 3, totalPerMinute: 10 }, () => 0);
    expect(taken(limit, 5_000, (n) => `name-${n}`)).toBe(10);
  });

  it('counts what tells no name for all together', () => {
    const limit = new RateLimit({ perMinute: 3, totalPerMinute: 4 }, () => 0);
    limit.takeUnnamed();
    limit.takeUnnamed();
    expect(taken(limit, 10, (n) => `name-${n}`)).toBe(2);
    expect(() => limit.takeUnnamed()).toThrow(/RECOVERY_REQUEST_RATE/);
  });

  it('never exceeds what two minutes allow in one', () => {
    const asked = fc.record({ who: fc.constantFrom('a', 'b', 'c'), afterMs: fc.nat(3_000) });
    fc.assert(
      fc.property(fc.array(asked, { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (all, perMinute) => {
        let now = 0;
        const limit = new RateLimit({ perMinute, totalPerMinute: perMinute * 2 }, () => now);
        const allowed: { who: string; at: number }[] = [];
        for (const { who, afterMs } of all) {
          now += afterMs;
          if (taken(limit, 1, () => who) === 1) allowed.push({ who, at: now });
        }
        for (const { who, at } of allowed) {
          const within = allowed.filter((one) => one.at >= at && one.at < at + 60_000);
          expect(within.filter((one) => one.who === who).length).toBeLessThanOrEqual(perMinute * 2);
          expect(within.length).toBeLessThanOrEqual(perMinute * 4);
        }
      }),
    );
  });
});
