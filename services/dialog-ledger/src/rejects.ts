import type { Logger } from '@reinvite/runtime';

/** Hostile traffic shall not fill the log. */
const LOG_EVERY_MS = 10_000;

/** Counts the packets that were dropped, and logs the counts, with one example, every ten seconds at most. */
export class Rejects {
  private counts = new Map<string, number>();
  private example: Record<string, unknown> = {};
  private loggedAt = -Infinity;

  constructor(private readonly log: Logger) {}

  /** @param now epoch ms. */
  add(reason: string, example: Record<string, unknown>, now: number): void {
    if (this.counts.size === 0) this.example = example;
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1);
    this.report(now);
  }

  /** Logs what has not been logged yet, if the time has come. */
  report(now: number): void {
    if (this.counts.size === 0 || now - this.loggedAt < LOG_EVERY_MS) return;
    this.log.warn(
      { dropped: Object.fromEntries(this.counts), ...this.example },
      'captured packets were dropped',
    );
    this.counts = new Map();
    this.loggedAt = now;
  }
}
