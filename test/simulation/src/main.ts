import { availableParallelism } from 'node:os';
import { parseOptions } from './options.js';
import type { Told } from './shard.js';
import { simulate } from './simulate.js';
import { playInThreads } from './threads.js';

/** So many of the seeds that failed are named at the end. */
const NAMED = 20;

const { seeds, from, trace } = parseOptions(process.argv.slice(2));
const started = performance.now();
const totals = { deaths: 0, victims: 0, recoveries: 0, recovered: 0, reinvites: 0 };
const failed: number[] = [];

if (trace) await printed();
else
  await playInThreads({
    from,
    seeds,
    threads: Math.min(seeds, availableParallelism()),
    script: new URL('./shard.js', import.meta.url),
    onTold: count,
  });

const seconds = ((performance.now() - started) / 1_000).toFixed(1);
const { deaths, victims, recoveries, recovered, reinvites } = totals;
failed.sort((a, b) => a - b);
say(
  `${seeds} seeds in ${seconds} s: ${deaths} deaths of an Asterisk with ${victims} channels up, ${recoveries} recoveries (${recovered} complete), ${reinvites} re-INVITEs`,
);
say(
  failed.length === 0
    ? 'every invariant held'
    : `violated with ${failed.length} seeds: ${failed.slice(0, NAMED).join(' ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

async function printed(): Promise<void> {
  for (let seed = from; seed < from + seeds; seed += 1) {
    const run = await simulate(seed, { keepTrace: true });
    for (const { at, who, what } of run.notes) say(`${at.toFixed(3).padStart(12)}  ${who}: ${what}`);
    count(run);
  }
}

function count({ seed, violations, hash, counts }: Told): void {
  for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += counts[key];
  if (violations.length === 0) return;
  failed.push(seed);
  say(`seed ${seed} (${hash.slice(0, 12)}):`);
  for (const { invariant, at, what } of violations) say(`  ${invariant} at ${at.toFixed(0)} ms: ${what}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
