import { parseOptions } from './options.js';
import { simulate, type Run } from './simulate.js';

/** So many of the seeds that failed are named at the end. */
const NAMED = 20;

const { seeds, from, trace } = parseOptions(process.argv.slice(2));
const started = performance.now();
const totals = { deaths: 0, victims: 0, recoveries: 0, recovered: 0, reinvites: 0 };
const failed: number[] = [];

for (let seed = from; seed < from + seeds; seed += 1) {
  const run = await simulate(seed, { keepTrace: trace });
  for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += run.counts[key];
  if (trace) for (const { at, who, what } of run.notes) say(`${at.toFixed(3).padStart(12)}  ${who}: ${what}`);
  if (run.violations.length === 0) continue;
  failed.push(seed);
  report(run);
}
const seconds = ((performance.now() - started) / 1_000).toFixed(1);
const { deaths, victims, recoveries, recovered, reinvites } = totals;
say(
  `${seeds} seeds in ${seconds} s: ${deaths} deaths of an Asterisk with ${victims} channels up, ${recoveries} recoveries (${recovered} complete), ${reinvites} re-INVITEs`,
);
say(
  failed.length === 0
    ? 'every invariant held'
    : `violated with ${failed.length} seeds: ${failed.slice(0, NAMED).join(' ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

function report({ seed, violations, hash }: Run): void {
  say(`seed ${seed} (${hash.slice(0, 12)}):`);
  for (const { invariant, at, what } of violations) say(`  ${invariant} at ${at.toFixed(0)} ms: ${what}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
