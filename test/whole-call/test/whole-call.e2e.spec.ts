import { describe, expect, it } from 'vitest';
import { catalogue, printed, resultOf, run } from '../src/index.js';

/** Longer than the slowest machine needs; the cases of a batch wait for each other. */
const PATIENCE_MS = 1_200_000;

describe('whole calls of every kind', () => {
  it(
    'come back when their node dies, and when the next one does, and everybody hears what they heard before',
    async () => {
      const cases = catalogue();
      const result = resultOf(await run(cases, { progress: () => undefined }));
      expect(result.failed, printed(result)).toBe(0);
      expect(result.cases).toHaveLength(cases.length);
    },
    PATIENCE_MS,
  );
});
