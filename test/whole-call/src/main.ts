#!/usr/bin/env node
import { writeFile } from 'node:fs/promises';
import { shutdownSignal } from '@reinvite/runtime';
import { EXIT, readCommandLine, writeJson } from '@reinvite/test-command-line';
import { selected } from './cases/catalogue.js';
import { readOptions, type WholeCallOptions } from './options.js';
import { documentation } from './report/docs.js';
import { printed, resultOf } from './report/result.js';
import { run } from './run.js';

async function wholeCall(options: WholeCallOptions): Promise<number> {
  const cases = selected(options.only);
  if (options.docs !== undefined && options.only !== undefined) {
    process.stderr.write('the documentation is made from a run of all cases\n');
    return EXIT.unable;
  }
  if (cases.length === 0) {
    process.stderr.write('no case matches\n');
    return EXIT.unable;
  }
  const progress = (line: string): void => void process.stderr.write(`${line}\n`);
  const { keep } = options;
  const signal = shutdownSignal();
  // The lab and its phones end with this process.
  signal.addEventListener('abort', () => process.exit(EXIT.interrupted), { once: true });
  const verdicts = await run(cases, { progress, signal, ...(keep === undefined ? {} : { keep }) });
  const result = resultOf(verdicts);
  process.stdout.write(`${printed(result)}\n`);
  await writeJson(options.json, result);
  if (options.docs !== undefined) await writeFile(options.docs, documentation(result));
  return result.failed === 0 ? EXIT.good : EXIT.bad;
}

const options = readCommandLine(readOptions);
// An abandoned step may still hold a timer or a socket.
if (options !== undefined) process.exit(await wholeCall(options));
