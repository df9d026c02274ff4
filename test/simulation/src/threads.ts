import { Worker } from 'node:worker_threads';
import type { Shard, Told } from './shard.js';

export interface Threaded {
  readonly from: number;
  readonly seeds: number;
  readonly threads: number;
  /** What a thread runs: it plays the `Shard` that it is given, and tells of each run. */
  readonly script: URL;
  readonly onTold: (told: Told) => void;
}

/**
 * Plays the seeds, each in one of the threads.
 * @throws Error when a thread fails, or ends before it has told of every run: what was not told is not known to have held.
 */
export async function playInThreads({ from, seeds, threads, script, onTold }: Threaded): Promise<void> {
  const untold = new Set(Array.from({ length: seeds }, (_, index) => from + index));
  const play = (thread: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const shard: Shard = { from: from + thread, end: from + seeds, step: threads };
      const worker = new Worker(script, { workerData: shard });
      worker.on('message', (told: Told) => {
        untold.delete(told.seed);
        onTold(told);
      });
      worker.once('error', reject);
      worker.once('exit', (code) => {
        if (code === 0) resolve();
        else reject(new Error(`a thread ended with code ${code}`));
      });
    });
  await Promise.all(Array.from({ length: threads }, (_, thread) => play(thread)));
  if (untold.size > 0)
    throw new Error(
      `nothing was told of ${untold.size} of ${seeds} seeds, the first of them ${Math.min(...untold)}`,
    );
}
