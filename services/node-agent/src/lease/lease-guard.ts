import { stateOf, type ProcessIdentity } from '../process/proc.js';
import type { LeaseRecord } from './lease-file.js';

export type GuardStep =
  | { readonly kind: 'watch' }
  | { readonly kind: 'end' }
  | { readonly kind: 'kill'; readonly process: ProcessIdentity };

/**
 * What a guard does next: ends when its watch is over (the file is gone, or another guard has it), kills when the lease has run
 * out and the process lives. A record that could not be read leaves the one before in force: pass that.
 */
export function guardStep(
  record: LeaseRecord | null,
  guard: string,
  nowMs: number,
  state = stateOf,
): GuardStep {
  if (record === null || record.guard !== guard) return { kind: 'end' };
  const { lease } = record;
  if (lease === null || nowMs < lease.untilMs) return { kind: 'watch' };
  const process = { pid: lease.pid, startTicks: lease.startTicks };
  return state(process) === 'gone' ? { kind: 'watch' } : { kind: 'kill', process };
}
