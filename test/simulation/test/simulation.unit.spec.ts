import { describe, expect, test } from 'vitest';
import { simulate, type Invariant, type Wrong } from '../src/index.js';

/** In every run of the unit tests; `npm run simulate` plays as many as one likes. */
const SEEDS = 40;
const PATIENCE_MS = 300_000;

test(
  `every invariant holds in ${SEEDS} runs with crashes, partitions, delays and duplicates`,
  async () => {
    let recovered = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violations, counts } = await simulate(seed);
      expect({ seed, violations }).toEqual({ seed, violations: [] });
      recovered += counts.recovered;
    }
    expect(recovered).toBeGreaterThan(SEEDS);
  },
  PATIENCE_MS,
);

test('a seed replays exactly, and another one is another run', async () => {
  const first = await simulate(7, { keepTrace: true });
  const second = await simulate(7, { keepTrace: true });

  expect(first.notes.length).toBeGreaterThan(100);
  expect(second.notes).toEqual(first.notes);
  expect(second.hash).toBe(first.hash);
  expect((await simulate(8)).hash).not.toBe(first.hash);
});

test('a run gives the process its clock back', async () => {
  const before = Date.now();

  const { lasted } = await simulate(3);

  expect(Date.now()).toBeGreaterThanOrEqual(before);
  expect(lasted).toBeGreaterThan(5_000);
  await new Promise((resolve) => setTimeout(resolve, 1));
});

/** What is wrong on purpose, what notices it, and within how many seeds. */
const MUTATIONS: readonly (readonly [keyof Wrong, number, readonly Invariant[]])[] = [
  ['noVersionCheck', 150, ['one-outcome', 'one-reinvite', 'one-owner', 'replay']],
  ['noFence', 150, ['never-wrongly-down', 'fenced-before-originate', 'one-owner']],
  ['noPatience', 150, ['never-wrongly-fenced']],
  ['originateAgain', 150, ['one-reinvite', 'one-owner', 'fenced-before-originate']],
  ['commandsDropped', 150, ['comes-back']],
  ['noRelay', 150, ['one-outcome', 'no-call-forgotten']],
  ['noGuard', 150, ['not-while-stopped']],
  ['noDeadlines', 150, ['one-outcome']],
  ['factsAckedEarly', 150, ['one-outcome', 'audit-tells-the-truth']],
  ['noReadSide', 150, ['replay', 'one-outcome']],
  ['noLease', 150, ['one-owner', 'never-wrongly-down', 'fenced-before-originate']],
  ['noMajority', 150, ['never-wrongly-fenced', 'never-wrongly-down', 'one-owner']],
  ['noQuestion', 150, ['not-in-a-mass-failure']],
  ['noFlapping', 150, ['not-to-a-flapping-node']],
  ['noCrashLimit', 150, ['stops-killing']],
];

describe('a part that is wrong on purpose is found out', () => {
  test.each(MUTATIONS)(
    '%s within %i seeds',
    async (part, seeds, expected) => {
      expect(await isFound({ [part]: true }, seeds, expected)).toBe(true);
    },
    PATIENCE_MS,
  );
});

async function isFound(
  wrong: Partial<Wrong>,
  seeds: number,
  expected: readonly Invariant[],
): Promise<boolean> {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { violations } = await simulate(seed, { wrong });
    if (violations.some(({ invariant }) => expected.includes(invariant))) return true;
  }
  return false;
}
