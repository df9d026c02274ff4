import { describe, expect, it } from 'vitest';
import { codedError } from '../src/errors.js';
import { createLogger } from '../src/logger.js';
import { retryForever } from '../src/retry.js';

const log = createLogger('test', 'fatal');

describe('retryForever', () => {
  it('goes on until the task succeeds', async () => {
    let tries = 0;
    const task = async (): Promise<string> => {
      tries += 1;
      if (tries < 4) throw codedError('NATS_UNREACHABLE', 'not yet');
      return 'done';
    };
    await expect(retryForever(task, { what: 'it', log, minMs: 1, maxMs: 2 })).resolves.toBe('done');
    expect(tries).toBe(4);
  });

  it('gives up at once on what trying again cannot mend', async () => {
    let tries = 0;
    const task = async (): Promise<never> => {
      tries += 1;
      throw codedError('ARI_UNAUTHORIZED', 'wrong password');
    };
    await expect(retryForever(task, { what: 'it', log, minMs: 1 })).rejects.toThrow(/ARI_UNAUTHORIZED/);
    expect(tries).toBe(1);
  });

  it('ends when its signal aborts, also while it waits', async () => {
    const controller = new AbortController();
    const endless = retryForever(async () => Promise.reject(new Error('down')), {
      what: 'it',
      log,
      minMs: 60_000,
      maxMs: 60_000,
      signal: controller.signal,
    });
    controller.abort(new Error('stopped'));
    await expect(endless).rejects.toThrow();
  });
});
