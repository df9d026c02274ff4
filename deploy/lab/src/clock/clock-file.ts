import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { codedError } from '@reinvite/runtime';
import { LAB_PACKAGE } from '../paths.js';

/** A service looks at its file about twenty times a second. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 20;

/** What a service's process is to import first, so that its wall clock can be set. */
export function settableClock(config: string, service: string): string {
  const url = pathToFileURL(path.join(LAB_PACKAGE, 'dist/clock/settable-clock.js'));
  url.searchParams.set('file', clockFile(config, service));
  return url.href;
}

/** @throws CodedError `LAB_COMMAND_FAILED` where nobody goes by it. */
export async function setClock(config: string, service: string, aheadMs: number): Promise<void> {
  const file = clockFile(config, service);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, String(aheadMs));
  const giveUpAt = performance.now() + PATIENCE_MS;
  while ((await readFile(answerFile(file), 'utf8').catch(() => '')) !== String(aheadMs)) {
    if (performance.now() > giveUpAt)
      throw codedError('LAB_COMMAND_FAILED', `the clock of ${service} cannot be set`);
    await delay(LOOK_MS);
  }
}

/** Where a service says what it goes by. */
export function answerFile(file: string): string {
  return `${file}.now`;
}

function clockFile(config: string, service: string): string {
  return path.join(config, 'clocks', service);
}
