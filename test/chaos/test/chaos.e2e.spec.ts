import { describe, expect, it } from 'vitest';
import { isGood, printed, run } from '../src/index.js';

/** Longer than the slowest machine needs: faults wait for each other, and for the calls. */
const PATIENCE_MS = 600_000;
/** So many times longer the phones wait: how fast the calls are back is not what is tested here. */
const PATIENCE = 5;
/** One fault of every sort: a death, a death that needs a fence, a service lost in a recovery, and one that nobody may notice. */
const ONLY = ['node-killed', 'node-hung', 'ari-worker-killed-in-recovery', 'sentinel-hung'];

describe('random faults while calls go on', () => {
  it(
    'lose no call, double none and take none over wrongly, and phones and audit agree',
    async () => {
      const { result, complaints } = await run(
        { seconds: 45, seed: 11, calls: 12, nodes: 3, patience: PATIENCE, only: ONLY, add: [] },
        { progress: () => undefined, signal: new AbortController().signal },
      );
      expect(isGood(result), `${printed(result)}\n${complaints}`).toBe(true);
      expect(new Set(result.rows.map(({ fault }) => fault))).toEqual(new Set(ONLY));
      expect(result.recovered).toBeGreaterThan(0);
      expect(result).toMatchObject({ lost: 0, doubled: 0, wrongTakeovers: 0 });
    },
    PATIENCE_MS,
  );
});
