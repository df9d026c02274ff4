import { setTimeout as delay } from 'node:timers/promises';
import { isCoded } from './errors.js';
import type { Logger } from './logger.js';

export interface RetryOptions {
  /** What is being tried, for the log. */
  readonly what: string;
  readonly log: Logger;
  readonly signal?: AbortSignal;
  readonly minMs?: number;
  readonly maxMs?: number;
}

/**
 * Tries until it succeeds, with exponential delays between `minMs` (default 100) and `maxMs` (default 2000); for what a
 * service cannot do without. Ends early for a terminal or fatal coded error, and when `signal` aborts.
 * @throws the terminal error, or the signal's reason.
 */
export async function retryForever<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { what, log, signal, minMs = 100, maxMs = 2_000 } = options;
  for (let wait = minMs, attempt = 1; ; attempt += 1, wait = Math.min(wait * 2, maxMs)) {
    signal?.throwIfAborted();
    try {
      return await task();
    } catch (error) {
      if (isCoded(error) && error.class !== 'retryable') throw error;
      log.warn({ err: error, attempt, retryInMs: wait }, `${what} failed, trying again`);
      await delay(wait, undefined, signal === undefined ? {} : { signal });
    }
  }
}
