import fc from 'fast-check';

/**
 * Property tests draw the same cases in every run, so that a failure belongs to the change that shows it. To look further:
 * `PROPERTY_SEED=random PROPERTY_RUNS=100000 npx vitest run --project unit`.
 */
const { PROPERTY_SEED = '20261121', PROPERTY_RUNS } = process.env;

fc.configureGlobal({
  ...(PROPERTY_SEED === 'random' ? {} : { seed: Number(PROPERTY_SEED) }),
  ...(PROPERTY_RUNS === undefined ? {} : { numRuns: Number(PROPERTY_RUNS) }),
});
