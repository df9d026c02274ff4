import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Row } from './result.js';

const count = z.number().int().min(0);

/** What the page needs of a run; a file that `--json` wrote has it. */
const runFile = z.object({
  seed: z.number(),
  seconds: z.number(),
  rows: z.array(
    z.object({
      fault: z.string(),
      injected: count,
      atStake: count,
      recovered: count,
      lost: count,
      beyondPromise: count,
      wrongTakeovers: count,
      doubled: count,
      title: z.string(),
      deadly: z.boolean(),
      note: z.string().nullable(),
    }),
  ),
  differences: z.array(z.unknown()),
});

/** A run, from its file or just over. */
export interface RunOnFile {
  readonly seed: number;
  readonly seconds: number;
  readonly rows: readonly Row[];
  readonly differences: readonly unknown[];
}

/** @throws Error that names the file, where it is no result of a run. */
export async function readRun(file: string): Promise<RunOnFile> {
  const text = await readFile(file, 'utf8');
  try {
    return runFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${file} is no result of a run`, { cause });
  }
}

/** The rows of several runs, by fault. Pure. */
export function joinedRows(runs: readonly RunOnFile[]): Row[] {
  const joined = new Map<string, Row>();
  for (const row of runs.flatMap(({ rows }) => rows)) {
    const before = joined.get(row.fault);
    joined.set(row.fault, before === undefined ? row : sum(before, row));
  }
  return [...joined.values()];
}

function sum(one: Row, other: Row): Row {
  return {
    ...one,
    injected: one.injected + other.injected,
    atStake: one.atStake + other.atStake,
    recovered: one.recovered + other.recovered,
    lost: one.lost + other.lost,
    beyondPromise: one.beyondPromise + other.beyondPromise,
    wrongTakeovers: one.wrongTakeovers + other.wrongTakeovers,
    doubled: one.doubled + other.doubled,
  };
}
