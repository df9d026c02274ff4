import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { ProcessIdentity } from '../process/proc.js';

/** What stands in a lease file: until when which process may live, and which guard watches over it. */
const leaseRecord = z.object({
  /** Name of the guard that has the watch; every other one ends. */
  guard: z.string(),
  /** Null while there is nothing to be guarded. */
  lease: z
    .object({
      pid: z.number().int().positive(),
      startTicks: z.number().int().nonnegative(),
      /** Of the machine's monotonic clock: see {@link monotonicMs}. */
      untilMs: z.number(),
    })
    .nullable(),
});
export type LeaseRecord = z.infer<typeof leaseRecord>;

/** CLOCK_MONOTONIC in ms, the same for every process of a machine. Wall clock steps do not move it. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Replaces the file in one step: a reader sees the old record or the new one. */
export function writeLease(
  file: string,
  guard: string,
  process: ProcessIdentity | undefined,
  untilMs: number,
) {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const record: LeaseRecord = { guard, lease: process === undefined ? null : { ...process, untilMs } };
  writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** @returns null where there is no such file. @throws what else reading or parsing it may fail with. */
export function readLease(file: string): LeaseRecord | null {
  try {
    return leaseRecord.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

export function removeLease(file: string): void {
  rmSync(file, { force: true });
}

/** Where a lease is written down. Its methods throw what reading and writing a file may fail with. */
export interface LeaseStore {
  /** @returns null where nothing is written. */
  read(): LeaseRecord | null;
  /** In one step. */
  write(guard: string, process: ProcessIdentity | undefined, untilMs: number): void;
  remove(): void;
}

/** In a file. */
export function leaseFile(file: string): LeaseStore {
  return {
    read: () => readLease(file),
    write: (guard, process, untilMs) => writeLease(file, guard, process, untilMs),
    remove: () => removeLease(file),
  };
}
