import type { Continuation } from '../sound/position.js';

/** What became of a call at one death of its node. */
export interface CrashVerdict {
  readonly node: string;
  /** ms from the SIGKILL until the last of the phones had answered its re-INVITE; null where one did not. */
  readonly answeredMs: number | null;
  /** ms from the SIGKILL until all phones heard what they should; null where they did not. */
  readonly heardMs: number | null;
  /** Where the prompt was, and where it went on; absent where the case has none. */
  readonly prompt?: Continuation;
  /** What the audit says was going on and has not been brought back. */
  readonly notRestored: readonly string[];
  readonly faults: readonly string[];
}

/** What became of one case. */
export interface CaseVerdict {
  readonly id: string;
  readonly title: string;
  readonly crashes: readonly CrashVerdict[];
  /** What was wrong besides the crashes: before the first, or in the end. */
  readonly faults: readonly string[];
}

/** Two crashes and no fault. */
export function hasPassed({ crashes, faults }: CaseVerdict): boolean {
  return crashes.length >= 2 && faults.length === 0 && crashes.every((crash) => crash.faults.length === 0);
}
