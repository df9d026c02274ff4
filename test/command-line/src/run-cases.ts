import { writeFile } from 'node:fs/promises';
import { shutdownSignal } from '@reinvite/runtime';
import type { CaseOptions } from './case-options.js';
import { EXIT } from './command-line.js';
import { writeJson } from './write-json.js';

/** One line for each step of a run. */
export type Progress = (line: string) => void;

/** What a run needs besides its cases. */
export interface RunOptions {
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** Directory for what the phones saw and the logs. */
  readonly keep?: string;
}

/** How the cases of a catalogue are chosen, played and told of. */
export interface CaseRun<Case, Verdict, Result extends { readonly failed: number }> {
  readonly selected: (only: RegExp | undefined) => readonly Case[];
  readonly run: (cases: readonly Case[], options: RunOptions) => Promise<readonly Verdict[]>;
  readonly resultOf: (verdicts: readonly Verdict[]) => Result;
  readonly printed: (result: Result) => string;
  readonly documentation: (result: Result) => string;
}

/** Plays the cases that were asked for and writes down what came of them. @returns the process' exit code. */
export async function runCases<Case, Verdict, Result extends { readonly failed: number }>(
  { selected, run, resultOf, printed, documentation }: CaseRun<Case, Verdict, Result>,
  { only, json, docs, keep }: CaseOptions,
): Promise<number> {
  const cases = selected(only);
  if (docs !== undefined && only !== undefined) {
    process.stderr.write('the documentation is made from a run of all cases\n');
    return EXIT.unable;
  }
  if (cases.length === 0) {
    process.stderr.write('no case matches\n');
    return EXIT.unable;
  }
  const signal = shutdownSignal();
  // The lab and its phones end with this process.
  signal.addEventListener('abort', () => process.exit(EXIT.interrupted), { once: true });
  const progress = eachOnce((line) => process.stderr.write(`${line}\n`));
  const result = resultOf(await run(cases, { progress, signal, ...(keep === undefined ? {} : { keep }) }));
  process.stdout.write(`${printed(result)}\n`);
  await writeJson(json, result);
  if (docs !== undefined) await writeFile(docs, documentation(result));
  return result.failed === 0 ? EXIT.good : EXIT.bad;
}

/** A step that is looked at again and again says the same each time. */
function eachOnce(tell: Progress): Progress {
  let last = '';
  return (line) => {
    if (line !== last) tell(line);
    last = line;
  };
}
