import type { Logger } from '@reinvite/runtime';
import type { Evidence } from '@reinvite/sip';
import type { CaptureReader } from './capture.js';
import type { Counters } from './counters.js';
import { Flusher } from './flusher.js';
import { LiveDialogs } from './live-dialogs.js';
import type { Retention } from './retention.js';
import type { DialogStore } from './store.js';

/** Dialogs that are looked up and removed together: what comes meanwhile is read in between. */
const EXPIRED_AT_ONCE = 1_000;

export interface LedgerOptions {
  readonly reader: CaptureReader;
  readonly store: DialogStore;
  readonly flushMs: number;
  readonly retention: Retention;
  /** Call-IDs at most; messages of further ones are dropped and counted. */
  readonly maxCallIds: number;
  readonly counters: Counters;
  readonly log: Logger;
  /** Epoch ms. */
  readonly now: () => number;
}

/**
 * Captured packets in, dialogs in Postgres out. Packets may come from the first moment on; what is in the database is
 * joined to them before anything is written, so that a ledger that was restarted never writes less than was known.
 */
export class Ledger {
  private readonly dialogs: LiveDialogs;
  private readonly flusher: Flusher;
  private loaded = false;

  constructor(private readonly options: LedgerOptions) {
    const { flushMs, log } = options;
    this.dialogs = new LiveDialogs(options);
    this.flusher = new Flusher({
      dialogs: this.dialogs,
      write: (evidence) => this.write(evidence),
      flushMs,
      log,
    });
  }

  /**
   * Takes one packet as it came off the wire, and the address that it came from. Never throws for what is in it.
   * @returns whether it was authorised and a message of a node, for which there may be no room.
   */
  take(packet: Buffer, sender: string): boolean {
    const { reader, counters, now } = this.options;
    let isOfUse = false;
    try {
      const reading = reader.read(packet, sender);
      counters.read(reading.kind);
      if (reading.kind === 'other') return false;
      isOfUse = true;
      this.dialogs.apply(reading.observed, now());
      this.flusher.schedule();
    } catch (error) {
      counters.drop(error, now());
    }
    return isOfUse;
  }

  /** Call-IDs in memory, and those of them that Postgres does not have yet. */
  get holding(): { readonly callIds: number; readonly unwritten: number } {
    return { callIds: this.dialogs.size, unwritten: this.dialogs.unwritten };
  }

  /** Packs up to `limit` calls of which nothing has come for a while. @returns how many. */
  pack(limit: number): number {
    return this.dialogs.pack(this.options.now(), limit);
  }

  /** Goes on where an earlier life stopped. @throws CodedError of Postgres; may be called again. */
  async load(): Promise<void> {
    const { store, log, now } = this.options;
    let dialogs = 0;
    await store.load(({ evidence, unreadable }) => {
      this.dialogs.adopt(evidence, now());
      this.dialogs.packAll(evidence);
      dialogs += evidence.length;
      for (const { callId } of unreadable)
        log.error({ callId }, 'a stored dialog cannot be read; it is forgotten');
    });
    this.dialogs.loaded();
    this.loaded = true;
    this.flusher.start();
    log.info({ dialogs }, 'dialogs loaded');
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

  private async write(evidence: readonly Evidence[]): Promise<number> {
    const { store, counters, now } = this.options;
    const { dialogs, refused, joined } = await store.write(evidence);
    counters.refuse(refused);
    this.dialogs.adopt(joined, now());
    return dialogs;
  }

  /** Removes from Postgres and from memory what is over. @throws CodedError of Postgres; may be called again. */
  async expire(): Promise<void> {
    const { store, counters, now } = this.options;
    const asOf = now();
    counters.report(asOf);
    for (let more = true; more;) {
      const expired = this.dialogs.expired(asOf, EXPIRED_AT_ONCE);
      more = expired.length >= EXPIRED_AT_ONCE;
      try {
        await store.remove(expired);
      } catch (error) {
        this.dialogs.giveBack(expired.map(({ callId }) => callId));
        throw error;
      }
      this.dialogs.forget(expired, asOf);
    }
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
