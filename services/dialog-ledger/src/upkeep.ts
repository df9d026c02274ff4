import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@reinvite/runtime';
import type { Ledger } from './ledger.js';
import type { Listener } from './listener.js';

const EXPIRE_EVERY_MS = 5_000;
const PACK_EVERY_MS = 250;
/** About 2 ms of work, so that neither packets nor a barrier wait for long. */
const PACK_AT_ONCE = 50;

/** Removes what is over, and says what the kernel dropped, until the signal aborts. */
export async function expireForEver(
  ledger: Ledger,
  listener: Pick<Listener, 'kernelDrops'>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let known = 0; ;) {
    await delay(EXPIRE_EVERY_MS, undefined, { signal });
    const drops = (await listener.kernelDrops()) ?? 0;
    if (drops > known)
      log.error({ lost: drops - known, drops }, 'the kernel dropped captures: its buffer was full');
    known = drops;
    try {
      await ledger.expire();
    } catch (err) {
      log.warn({ err }, 'dialogs that are over cannot be removed, trying again');
    }
  }
}

/** Packs what has become calm, a little at a time, until the signal aborts. */
export async function packForEver(ledger: Ledger, signal: AbortSignal): Promise<void> {
  for (;;) {
    await delay(PACK_EVERY_MS, undefined, { signal });
    while (ledger.pack(PACK_AT_ONCE) === PACK_AT_ONCE) await setImmediate();
  }
}
