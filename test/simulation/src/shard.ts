import { parentPort, workerData } from 'node:worker_threads';
import { simulate, type Run } from './simulate.js';

/** The seeds of one thread: `from`, and then every `step`th, as long as they are below `end`. */
export interface Shard {
  readonly from: number;
  readonly end: number;
  readonly step: number;
}

/** What a thread tells of a run. */
export type Told = Omit<Run, 'notes'>;

// A thread has a clock of its own, which the run takes.
const { from, end, step } = workerData as Shard;
for (let seed = from; seed < end; seed += step) {
  const { violations, hash, lasted, counts } = await simulate(seed);
  const told: Told = { seed, violations, hash, lasted, counts };
  parentPort?.postMessage(told);
}
