import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 25;

/**
 * Looks until there is something to see: resolves with the first value that is neither undefined, null nor false.
 * @param what is awaited, for the message of the failure; a function tells it with what was seen last.
 * @throws an Error that names `what` when `timeoutMs` (default 30 s) are over; whatever `look` throws, at once.
 */
export async function eventually<T>(
  what: string | (() => string),
  look: () => T | Promise<T>,
  timeoutMs = 30_000,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false)
      return seen as Exclude<T, undefined | null | false>;
    if (performance.now() > deadline)
      throw new Error(`waited ${timeoutMs} ms for ${typeof what === 'string' ? what : what()} in vain`);
    await delay(LOOK_EVERY_MS);
  }
}

/** For `vi.waitFor`, whose own default of a second is too short for what is real, and for a busy machine. */
export const SOON = { timeout: 20_000, interval: 20 };
