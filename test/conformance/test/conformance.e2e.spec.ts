import { describe, expect, it } from 'vitest';
import { catalogue, printed, resultOf, run } from '../src/index.js';

/** Longer than the slowest machine needs; the calls of a batch wait for each other. */
const PATIENCE_MS = 900_000;

describe('calls in every state that a dialog can be in', () => {
  it(
    'come back when their node dies, or are reported with the reason that they should have',
    async () => {
      const cases = catalogue();
      const result = resultOf(await run(cases, { progress: () => undefined }));
      expect(result.failed, printed(result)).toBe(0);
      expect(result.cases).toHaveLength(cases.length);
    },
    PATIENCE_MS,
  );
});
