import { describe, expect, it } from 'vitest';
import { microseconds } from '../src/api/timestamp.js';

const AT = 1_795_262_400_123_456;

describe('a timestamp of HOMER 11', () => {
  it.each([
    ['2026-11-21T12:00:00.123456Z', AT],
    ['2026-11-21T12:00:00.123456789Z', AT],
    ['2026-11-21T14:00:00.123456+02:00', AT],
    ['2026-11-21T06:30:00.123456-0530', AT],
    ['2026-11-21 12:00:00.123456', AT],
    ['2026-11-21T12:00:00.1Z', 1_795_262_400_100_000],
    ['2026-11-21T12:00:00Z', 1_795_262_400_000_000],
    [1_795_262_400, 1_795_262_400_000_000],
    [1_795_262_400_123, 1_795_262_400_123_000],
    [AT, AT],
    [1.7952624001234563e18, AT],
    ['yesterday', null],
    ['2026-11-21', null],
    ['', null],
    [0, null],
    [5e-324, null],
    [1e300, null],
    ['0001-01-01T00:00:00Z', null],
    [Number.NaN, null],
  ])('%s', (value, expected) => {
    expect(microseconds(value)).toBe(expected);
  });
});
