import { setTimeout as delay } from 'node:timers/promises';
import type { CallFact } from '@reinvite/domain';
import { isCoded, type Logger } from '@reinvite/runtime';

/** Publishes in flight at a time; what comes meanwhile waits, and only the latest of each leg and bridge. */
const WINDOW = 512;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2_000;

export interface FactStreamOptions {
  /**
   * Stores a fact durably under an id. @returns its sequence. Calls must be carried out in the order in which they were made.
   * @throws CodedError `MESSAGE_TOO_LARGE` where it can never be stored; anything else where it may not have been.
   */
  readonly publish: (fact: CallFact, id: string) => Promise<number>;
  readonly newId: () => string;
  readonly now: () => number;
  /** How long a fact waits for the next one of its leg or bridge to replace it; {@link FactStream.flush} waits for nothing. */
  readonly lingerMs: number;
  /** All that lives, see {@link CallPicture.facts}. */
  readonly current: () => readonly CallFact[];
  readonly nodeId: string;
  readonly incarnation: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export interface Flushed {
  /** Whether every fact that was offered has been stored. */
  readonly complete: boolean;
  /** Sequence of the last fact that was stored, null when there is none. */
  readonly lastSeq: number | null;
}

/**
 * Publishes the facts of one incarnation in the order of their observation, pipelined.
 *
 * 1. Facts are sent in order over one connection, so they are stored in order as long as none fails.
 * 2. When one fails, later ones may have been stored already; sending it again would put an old observation behind a newer
 *    one. So nothing is ever sent again: everything that lives is told anew between `NodeSyncing` and `NodeSynced`, which
 *    overrides whatever came before.
 * 3. While nothing can be stored, nothing is kept here but the wish to begin anew; the picture itself is what waits, so
 *    memory is bounded by the calls that live.
 * 4. What could not be told whole is told anew after a pause, which grows until all of it is stored: a JetStream that is slow for
 *    a moment must not be kept busy by those who tell it everything.
 */
export class FactStream {
  private readonly pending = new Map<string, CallFact>();
  private inFlight = 0;
  private lastSeq: number | null = null;
  private behind = true;
  private repairing = false;
  /** Before everything is told anew, ms. */
  private pauseMs = 0;
  private lingering: NodeJS.Timeout | undefined;
  private readonly untilIdle = new Set<() => void>();
  private readonly untilDrained = new Set<() => void>();

  constructor(private readonly options: FactStreamOptions) {}

  /** Facts that have just been observed. */
  offer(facts: readonly CallFact[]): void {
    if (this.behind) return;
    for (const fact of facts) this.pending.set(keyOf(fact), fact);
    const { lingerMs } = this.options;
    if (lingerMs === 0) this.pump();
    else if (this.pending.size > 0) this.lingering ??= setTimeout(() => this.pump(), lingerMs);
  }

  /** Tells everything anew: at the beginning, and whenever the picture was replaced. */
  resync(): void {
    this.behind = true;
    this.pending.clear();
    if (this.repairing) return;
    this.repairing = true;
    void this.repair();
  }

  /** Waits until all that was offered is stored, `timeoutMs` at most. */
  async flush(timeoutMs: number): Promise<Flushed> {
    this.pump();
    if (!this.isIdle()) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.untilIdle.delete(done);
          resolve();
        };
        const timer = setTimeout(done, timeoutMs);
        this.untilIdle.add(done);
      });
    }
    return { complete: this.isIdle(), lastSeq: this.lastSeq };
  }

  private isIdle(): boolean {
    return !this.behind && this.inFlight === 0 && this.pending.size === 0;
  }

  private pump(): void {
    clearTimeout(this.lingering);
    this.lingering = undefined;
    for (const [key, fact] of this.pending) {
      if (this.inFlight >= WINDOW) return;
      this.pending.delete(key);
      void this.send(fact);
    }
  }

  private async send(fact: CallFact): Promise<void> {
    this.inFlight += 1;
    try {
      this.stored(await this.options.publish(fact, this.options.newId()));
      this.inFlight -= 1;
      if (this.lingering === undefined) this.pump();
    } catch (err) {
      this.inFlight -= 1;
      if (isCoded(err, 'MESSAGE_TOO_LARGE')) {
        this.options.log.error(
          { err, fact: keyOf(fact) },
          'a call fact that NATS can never take is left out',
        );
      } else if (!this.behind) {
        this.options.log.warn({ err }, 'call facts cannot be stored, all will be told anew');
        this.resync();
      }
    }
    if (this.inFlight === 0) this.onDrained();
    if (this.isIdle()) this.untilIdle.forEach((tell) => tell());
  }

  private async repair(): Promise<void> {
    const { log, signal } = this.options;
    while (!signal.aborted) {
      if (this.pauseMs > 0) await delay(this.pauseMs, undefined, { signal }).catch(() => undefined);
      this.pauseMs = Math.min(Math.max(this.pauseMs * 2, RETRY_MIN_MS), RETRY_MAX_MS);
      try {
        await this.drained();
        const syncing = this.mark('NodeSyncing');
        this.stored(await this.options.publish(syncing, this.options.newId()));
        this.repairing = false;
        this.behind = false;
        this.offer([...this.options.current(), this.mark('NodeSynced')]);
        return;
      } catch (err) {
        log.warn({ err, retryInMs: this.pauseMs }, 'call facts cannot be stored yet');
      }
    }
  }

  private onDrained(): void {
    const isToldWhole = !this.behind && !this.pending.has('NodeSynced');
    if (isToldWhole) this.pauseMs = 0;
    this.untilDrained.forEach((tell) => tell());
  }

  /** What is still on its way must not be stored after the `NodeSyncing` that overrides it. */
  private async drained(): Promise<void> {
    if (this.inFlight === 0) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.untilDrained.delete(done);
        resolve();
      };
      this.untilDrained.add(done);
    });
  }

  private stored(seq: number): void {
    this.lastSeq = Math.max(this.lastSeq ?? 0, seq);
  }

  private mark(type: 'NodeSyncing' | 'NodeSynced'): CallFact {
    const { nodeId, incarnation, now } = this.options;
    return { type, nodeId, incarnation, at: now() };
  }
}

/** Facts with one key replace each other while they wait, in the place of the first. */
function keyOf(fact: CallFact): string {
  switch (fact.type) {
    case 'LegObserved':
    case 'LegGone':
      return `leg ${fact.channelId}`;
    case 'BridgeObserved':
    case 'BridgeGone':
      return `bridge ${fact.bridgeId}`;
    case 'NodeSyncing':
    case 'NodeSynced':
      return fact.type;
  }
}
