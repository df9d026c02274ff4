import type { Processes } from '../process/processes.js';
import type { LeaseRecord } from './lease-file.js';
import { guardStep } from './lease-guard.js';

export interface LeaseWatchParts {
  /** @throws where the file cannot be read or says nothing. */
  readonly read: () => LeaseRecord | null;
  readonly processes: Processes;
  /** Ms, of the clock that the lease's end counts in. */
  readonly mono: () => number;
  /** Whether somebody is there who may name this guard in the file. */
  readonly isAttended: () => boolean;
  readonly end: () => void;
}

/** What one guard does at every look. @param guard its name. */
export function leaseWatch(guard: string, parts: LeaseWatchParts): () => void {
  const { read, processes, mono, isAttended, end } = parts;
  let last: LeaseRecord | null = null;
  let isNamed = false;
  return () => {
    try {
      last = read();
    } catch {
      // The record before holds.
    }
    const step = guardStep(last, guard, mono(), (process) => processes.stateOf(process));
    if (step.kind === 'end') {
      // Until it is named for the first time it waits for that, as long as there is somebody to do it.
      if (isNamed || !isAttended()) end();
      return;
    }
    isNamed = true;
    if (step.kind !== 'kill') return;
    try {
      processes.kill(step.process);
    } catch {
      // Not allowed, or not possible just now: the next look tries again.
    }
  };
}
