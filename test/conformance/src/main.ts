#!/usr/bin/env node
import { writeFile } from 'node:fs/promises';
import { shutdownSignal } from '@reinvite/runtime';
import { CommanderError } from 'commander';
import { selected } from './cases/catalogue.js';
import { readOptions, type ConformanceOptions } from './options.js';
import { documentation } from './report/docs.js';
import { printed, resultOf } from './report/result.js';
import { run } from './run.js';

const EXIT = { good: 0, bad: 1, unable: 2 };

/** Undefined where the command line was answered already: help, or what is wrong with it. */
function optionsOf(argv: readonly string[]): ConformanceOptions | undefined {
  try {
    return readOptions(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.good : EXIT.unable;
    return undefined;
  }
}

async function conformance(options: ConformanceOptions): Promise<number> {
  const cases = selected(options.only);
  if (options.docs !== undefined && options.only !== undefined) {
    process.stderr.write('the documentation is made from a run of all cases\n');
    return EXIT.unable;
  }
  if (cases.length === 0) {
    process.stderr.write('no case matches\n');
    return EXIT.unable;
  }
  let last = '';
  const progress = (line: string): void => {
    if (line !== last) process.stderr.write(`${line}\n`);
    last = line;
  };
  const { keep } = options;
  const signal = shutdownSignal();
  // The lab and its phones end with this process.
  signal.addEventListener('abort', () => process.exit(EXIT.unable), { once: true });
  const verdicts = await run(cases, {
    progress,
    signal,
    ...(keep === undefined ? {} : { keep }),
  });
  const result = resultOf(verdicts);
  process.stdout.write(`${printed(result)}\n`);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(result, undefined, 2)}\n`);
  if (options.docs !== undefined) await writeFile(options.docs, documentation(result));
  return result.failed === 0 ? EXIT.good : EXIT.bad;
}

const options = optionsOf(process.argv.slice(2));
// An abandoned step may still hold a timer or a socket.
if (options !== undefined) process.exit(await conformance(options));
