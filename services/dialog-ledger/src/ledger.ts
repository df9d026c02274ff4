import { isCoded, type Logger } from '@reinvite/runtime';
import type { CaptureReader } from './capture.js';
import { Flusher } from './flusher.js';
import { LiveDialogs, type Retention } from './live-dialogs.js';
import { Rejects } from './rejects.js';
import type { DialogStore } from './store.js';

export interface LedgerOptions {
  readonly reader: CaptureReader;
  readonly store: DialogStore;
  readonly flushMs: number;
  readonly retention: Retention;
  readonly log: Logger;
  /** Epoch ms. */
  readonly now: () => number;
}

/**
 * Captured packets in, dialogs in Postgres out. Packets may come from the first moment on; what is in the database is
 * joined to them before anything is written, so that a ledger that was restarted never writes less than was known.
 */
export class Ledger {
  private readonly dialogs = new LiveDialogs();
  private readonly flusher: Flusher;
  private readonly rejects: Rejects;
  private loaded = false;

  constructor(private readonly options: LedgerOptions) {
    const { store, flushMs, log } = options;
    this.rejects = new Rejects(log);
    this.flusher = new Flusher({
      dialogs: this.dialogs,
      write: (evidence) => store.write(evidence),
      flushMs,
      log,
    });
  }

  /** Takes one packet as it came off the wire. Never throws for what is in it. */
  take(packet: Buffer): void {
    const { reader, now } = this.options;
    try {
      const reading = reader.read(packet);
      if (reading.kind === 'message') {
        this.dialogs.apply(reading.observed, now());
        this.flusher.schedule();
      } else if (reading.kind === 'unplaced') {
        const { captureId, source, destination } = reading.packet;
        this.rejects.add(reading.why, { captureId, source, destination }, now());
      }
    } catch (err) {
      this.rejects.add(isCoded(err) ? err.code : 'unexpected', { err }, now());
    }
  }

  /** Goes on where an earlier life stopped. @throws CodedError of Postgres; may be called again. */
  async load(): Promise<void> {
    const { store, log, now } = this.options;
    const { evidence, unreadable } = await store.load();
    this.dialogs.adopt(evidence, now());
    for (const { callId } of unreadable)
      log.error({ callId }, 'a stored dialog cannot be read; it is forgotten');
    this.loaded = true;
    this.flusher.start();
    log.info({ dialogs: evidence.length }, 'dialogs loaded');
  }

  /**
   * Writes all that was taken.
   * @returns how many dialogs were written.
   * @throws CodedError of Postgres; nothing is lost.
   */
  async flush(): Promise<number> {
    if (!this.loaded) await this.load();
    return this.flusher.flush();
  }

  /** Removes from Postgres and from memory what is over. @throws CodedError of Postgres; may be called again. */
  async expire(): Promise<void> {
    const { store, retention, now } = this.options;
    this.rejects.report(now());
    const expired = this.dialogs.expired(now(), retention);
    await store.remove(expired);
    this.dialogs.forget(expired);
    this.flusher.schedule();
  }

  /** Stops writing by itself and writes once more. */
  async close(): Promise<void> {
    const { log } = this.options;
    this.flusher.stop();
    try {
      await this.flush();
    } catch (err) {
      log.error({ err, unwritten: this.dialogs.unwritten }, 'stopped with dialogs that could not be written');
    }
  }
}
