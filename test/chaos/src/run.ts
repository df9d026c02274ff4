import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { check } from './check/check.js';
import type { Evidence } from './check/evidence.js';
import { printedSchedule, scheduleOf } from './draw/schedule.js';
import type { ChaosOptions } from './options.js';
import { Stage, type Progress } from './play/stage.js';
import { resultOf, type Result } from './report/result.js';

/** Seeds of faults and of calls are apart, so that more calls do not mean other faults. */
const CALLS_SEED = 0x5eed;

/** A finished run. */
export interface Run {
  readonly result: Result;
  /** What SIPp complained of, for whoever has to find out why a call failed. */
  readonly complaints: string;
}

/**
 * Plays one run on a lab of its own; nothing of it is left, however it ends.
 * @throws the signal's reason when it is aborted, and whatever made the run impossible.
 */
export async function run(
  options: ChaosOptions & { readonly seed: number },
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<Run> {
  const { seed, seconds, only, calls, keep, patience } = options;
  const nodes = Array.from({ length: options.nodes }, (_, index) => `ast${index + 1}`);
  const schedule = scheduleOf({ seed, forMs: seconds * 1_000, faults: only, nodes });
  progress(`seed ${seed}:\n${printedSchedule(schedule)}`);
  const stage = new Stage({ calls, nodes, patience, seed: seed ^ CALLS_SEED, signal, progress });
  try {
    const evidence = await untilAborted(stage.play(schedule, seconds * 1_000), signal);
    if (keep !== undefined) await keepEvidence(keep, evidence);
    const began = (evidence.injected[0]?.at ?? 0) - (schedule[0]?.atMs ?? 0);
    const result = resultOf(check(evidence), { seed, seconds, schedule, began });
    return { result, complaints: stage.complaints };
  } finally {
    await stage.strike(keep);
  }
}

/** Sets become lists; what never ends becomes null. */
async function keepEvidence(directory: string, evidence: Evidence): Promise<void> {
  await mkdir(directory, { recursive: true });
  const text = JSON.stringify(
    evidence,
    (_, value: unknown) => (value instanceof Set ? [...(value as Set<unknown>)] : value),
    2,
  );
  await writeFile(path.join(directory, 'evidence.json'), text);
}

/** Nobody who pressed Ctrl-C shall wait for a step's next look at the signal. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return Promise.race([
    work,
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    }),
  ]);
}
