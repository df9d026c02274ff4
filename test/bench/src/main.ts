#!/usr/bin/env node
import { shutdownSignal } from '@reinvite/runtime';
import { EXIT, readCommandLine } from '@reinvite/test-command-line';
import { runBench } from './bench.js';
import { readOptions } from './options.js';

const options = readCommandLine(readOptions);
const signal = shutdownSignal();
if (options !== undefined) {
  try {
    await runBench(options, signal);
    process.exit(EXIT.good);
  } catch (error) {
    if (!signal.aborted)
      process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(signal.aborted ? EXIT.interrupted : EXIT.bad);
  }
}
