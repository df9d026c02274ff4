import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { unlessAborted } from '../src/service.js';

describe('work that a stop cuts short', () => {
  const never = new Promise<never>(() => undefined);

  it('leaves no listener on the signal, whether it succeeds or fails', async () => {
    const { signal } = new AbortController();
    expect(await unlessAborted(Promise.resolve(42), signal)).toBe(42);
    await expect(unlessAborted(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('is waited for no longer than until the signal aborts', async () => {
    const stop = new AbortController();
    const waiting = unlessAborted(never, stop.signal);
    stop.abort();
    expect(await waiting).toBeUndefined();
    expect(await unlessAborted(never, stop.signal)).toBeUndefined();
  });
});
