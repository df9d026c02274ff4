import { setTimeout as delay } from 'node:timers/promises';
import { codedError } from '@reinvite/runtime';
import { messageOf } from '../messages.js';

/** What a process may take to be ready, however many others the machine has to do with: only one that hangs takes longer. */
export const READY_MS = 120_000;

/**
 * Asks until the answer is true; an answer that throws counts as "not yet".
 * @throws CodedError `LAB_START_FAILED` after `timeoutMs`, with the last reason.
 */
export async function until(what: string, timeoutMs: number, check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      if (await check()) return;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) break;
    await delay(50);
  }
  const reason = last === undefined ? '' : `: ${messageOf(last)}`;
  throw codedError('LAB_START_FAILED', `${what} is not ready after ${timeoutMs} ms${reason}`, {}, last);
}

/** True when an HTTP GET answers with a 2xx status within a second. */
export async function answersHttp(url: string, authorization?: string): Promise<boolean> {
  const headers = new Headers(authorization === undefined ? {} : { authorization });
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(1_000) });
  await response.arrayBuffer();
  return response.ok;
}
