#!/usr/bin/env node
import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { preflight } from '@reinvite/lab';
import { shutdownSignal } from '@reinvite/runtime';
import { EXIT, readCommandLine, writeJson } from '@reinvite/test-command-line';
import { readOptions, type ChaosOptions } from './options.js';
import { documentation } from './report/docs.js';
import { readRun } from './report/joined.js';
import { isGood, printed } from './report/result.js';
import { run } from './run.js';

async function chaos(options: ChaosOptions): Promise<number> {
  const { ok, missing } = await preflight();
  if (!ok) {
    process.stderr.write(
      `chaos: this machine cannot run the lab, and nothing was changed. Missing:\n${missing.map((line) => `  - ${line}\n`).join('')}`,
    );
    return EXIT.unable;
  }
  const signal = shutdownSignal();
  const seed = options.seed ?? randomInt(2 ** 31);
  const progress = (line: string): void => void process.stderr.write(`chaos: ${line}\n`);
  try {
    const earlier = await Promise.all(options.add.map(readRun));
    const { result, complaints } = await run({ ...options, seed }, { progress, signal });
    process.stdout.write(`${printed(result)}\n`);
    await writeJson(options.json, result);
    if (options.docs !== undefined) await writeFile(options.docs, documentation([...earlier, result]));
    if (isGood(result)) return EXIT.good;
    if (complaints !== '') process.stderr.write(`\nSIPp says:\n${complaints}\n`);
    return EXIT.bad;
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    process.stderr.write(`chaos: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.bad;
  }
}

const options = readCommandLine(readOptions);
// An abandoned step may still hold a timer or a socket.
if (options !== undefined) process.exit(await chaos(options));
