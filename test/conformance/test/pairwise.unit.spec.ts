import { describe, expect, it } from 'vitest';
import { EXCLUSIONS, excludedBy, FACTOR_NAMES, FACTORS } from '../src/cases/factors.js';
import { matrix } from '../src/cases/matrix.js';
import { pairwise, possiblePairs } from '../src/cases/pairwise.js';

const MATRIX = matrix();

describe('the matrix', () => {
  it('has every value of every factor', () => {
    for (const name of FACTOR_NAMES)
      expect(new Set(MATRIX.map(({ factors }) => factors[name]))).toEqual(new Set(FACTORS[name]));
  });

  it('has every pair of values that can meet in one call', () => {
    const missing = possiblePairs().filter(
      ({ left, right }) =>
        !MATRIX.some(({ factors }) => factors[left[0]] === left[1] && factors[right[0]] === right[1]),
    );
    expect(missing).toEqual([]);
  });

  it('has every pair of the other factors among the calls whose phone answers 200 at once', () => {
    const good = MATRIX.filter(({ factors }) => factors.answer === '200');
    const missing = possiblePairs()
      .filter(({ left, right }) => left[0] !== 'answer' && right[0] !== 'answer')
      .filter(
        ({ left, right }) =>
          !good.some(({ factors }) => factors[left[0]] === left[1] && factors[right[0]] === right[1]),
      );
    expect(missing).toEqual([]);
  });

  it('has no call that cannot be, and says why it cannot', () => {
    expect(MATRIX.filter(({ factors }) => excludedBy(factors) !== undefined)).toEqual([]);
    for (const { reason } of EXCLUSIONS) expect(reason).toMatch(/^[A-Z].+\.$/);
  });

  it('leaves out what is excluded and nothing else', () => {
    const all = FACTOR_NAMES.flatMap((a, index) =>
      FACTOR_NAMES.slice(index + 1).map((b) => FACTORS[a].length * FACTORS[b].length),
    ).reduce((sum, count) => sum + count, 0);
    expect(possiblePairs()).toHaveLength(all - EXCLUSIONS.length);
  });

  it('is the same in every run', () => {
    expect(pairwise()).toEqual(pairwise());
    const ids = MATRIX.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
