#!/usr/bin/env node
import { shutdownSignal } from '@reinvite/runtime';
import { CommanderError } from 'commander';
import { EXIT, runDemo } from './demo.js';
import { readOptions, type DemoOptions } from './options.js';

/** Undefined where the command line was answered already: help, or what is wrong with it. */
function optionsOf(argv: readonly string[]): DemoOptions | undefined {
  try {
    return readOptions(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.good : EXIT.unable;
    return undefined;
  }
}

const options = optionsOf(process.argv.slice(2));
// An abandoned step may still hold a timer or a socket.
if (options !== undefined) process.exit(await runDemo(options, shutdownSignal()));
