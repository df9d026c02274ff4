import type { Logger } from '@reinvite/runtime';
import type { Evidence } from '@reinvite/sip';
import type { LiveDialogs } from './live-dialogs.js';

export interface FlusherOptions {
  readonly dialogs: LiveDialogs;
  /** Writes a batch and says how many dialogs it wrote. */
  readonly write: (evidence: readonly Evidence[]) => Promise<number>;
  /** How long messages are gathered before they are written, in ms. */
  readonly flushMs: number;
  readonly log: Logger;
}

/** In one statement: after an outage there may be a hundred thousand Call-IDs to write, and each may be long. */
const BATCH = { callIds: 1_000, characters: 8_388_608 };
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2_000;

/**
 * Brings dialogs to Postgres, one batch at a time: two writes at once could overtake each other. What cannot be written
 * waits in memory and is tried again until it can.
 */
export class Flusher {
  private timer: NodeJS.Timeout | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private retryMs = RETRY_MIN_MS;
  private open = false;

  constructor(private readonly options: FlusherOptions) {}

  /** Begins to write by itself; before, only messages are gathered. */
  start(): void {
    this.open = true;
    this.schedule();
  }

  /** No more writes by itself. */
  stop(): void {
    this.open = false;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** To be called when something has come in. */
  schedule(afterMs = this.options.flushMs): void {
    if (!this.open || this.timer !== undefined || this.options.dialogs.unwritten === 0) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.flushAndGoOn();
    }, afterMs);
  }

  /**
   * Writes all that is there now, after the write that is under way.
   * @returns how many dialogs were written.
   * @throws CodedError of the write; nothing is lost.
   */
  flush(): Promise<number> {
    const turn = this.last.then(() => this.writeAll());
    this.last = turn.catch(() => undefined);
    return turn;
  }

  private async writeAll(): Promise<number> {
    const { dialogs, write } = this.options;
    let written = 0;
    for (let left = dialogs.unwritten; left > 0;) {
      const { callIds, evidence } = dialogs.takeUnwritten(BATCH);
      // What came and went meanwhile has been forgotten.
      if (callIds.length === 0) break;
      left -= callIds.length;
      try {
        written += await write(evidence);
      } catch (error) {
        dialogs.giveBack(callIds);
        throw error;
      }
    }
    return written;
  }

  private async flushAndGoOn(): Promise<void> {
    const { dialogs, log } = this.options;
    try {
      await this.flush();
      if (this.retryMs > RETRY_MIN_MS) log.info('dialogs are written again');
      this.retryMs = RETRY_MIN_MS;
      this.schedule();
    } catch (err) {
      const retryInMs = this.retryMs;
      this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
      log.warn(
        { err, unwritten: dialogs.unwritten, retryInMs },
        'dialogs cannot be written to Postgres, trying again',
      );
      this.schedule(retryInMs);
    }
  }
}
