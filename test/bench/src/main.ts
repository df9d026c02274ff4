#!/usr/bin/env node
import { shutdownSignal } from '@reinvite/runtime';
import { CommanderError } from 'commander';
import { runBench } from './bench.js';
import { readOptions, type BenchOptions } from './options.js';

/** Undefined where the command line was answered already: help, or what is wrong with it. */
function optionsOf(argv: readonly string[]): BenchOptions | undefined {
  try {
    return readOptions(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    return undefined;
  }
}

const options = optionsOf(process.argv.slice(2));
const signal = shutdownSignal();
if (options !== undefined) {
  try {
    await runBench(options, signal);
    process.exit(0);
  } catch (error) {
    if (!signal.aborted)
      process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(signal.aborted ? 130 : 1);
  }
}
