#!/usr/bin/env node
import { shutdownSignal } from '@reinvite/runtime';
import { readCommandLine } from '@reinvite/test-command-line';
import { runDemo } from './demo.js';
import { readOptions } from './options.js';

const options = readCommandLine(readOptions);
// An abandoned step may still hold a timer or a socket.
if (options !== undefined) process.exit(await runDemo(options, shutdownSignal()));
