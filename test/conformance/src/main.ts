#!/usr/bin/env node
import { readCommandLine, runCases } from '@reinvite/test-command-line';
import { selected } from './cases/catalogue.js';
import { readOptions } from './options.js';
import { documentation } from './report/docs.js';
import { printed, resultOf } from './report/result.js';
import { run } from './run.js';

const options = readCommandLine(readOptions);
// An abandoned step may still hold a timer or a socket.
if (options !== undefined)
  process.exit(await runCases({ selected, run, resultOf, printed, documentation }, options));
