import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '@reinvite/db';
import { isCoded, type Logger } from '@reinvite/runtime';
import type { OutboxMessage } from './event.js';
import { postgresOutboxRows, type OutboxRow, type OutboxRows } from './outbox-rows.js';

export interface OutboxOptions {
  /** Where the messages are kept: the table of a database, or what stands for it. */
  readonly pool: Pool | OutboxRows;
  /**
   * Resolves once the message is stored there under its id, however often it is called. What it rejects with a terminal coded
   * error can never be published, and is left out.
   */
  readonly publish: (message: OutboxMessage) => Promise<unknown>;
  readonly log: Logger;
  /** How often to look for messages that were left behind; default 500 ms. */
  readonly pollMs?: number;
  /** A message is left to those who appended it for this long; default 2 s. */
  readonly graceMs?: number;
  /** Published messages are kept this long; default one day. */
  readonly keepMs?: number;
}

const BATCH = 500;
const PRUNE_EVERY_MS = 60_000;

/**
 * Publishes what was committed: at once by whoever appended it, or else, after a crash or a failure, by a relay that reads
 * the rows left behind. A message can be published twice, always under the same id, and JetStream stores it once within its
 * duplicate window; consumers bear the rest.
 */
export class Outbox {
  private readonly rows: OutboxRows;

  constructor(private readonly options: OutboxOptions) {
    this.rows = 'pending' in options.pool ? options.pool : postgresOutboxRows(options.pool);
  }

  /** Publishes all messages side by side. What fails is logged and left to the relay, so this never rejects. */
  async publishNow(messages: readonly OutboxMessage[]): Promise<void> {
    const published: string[] = [];
    await Promise.all(
      messages.map(async (message) => {
        if (await this.isDone(message)) published.push(message.id);
      }),
    );
    try {
      await this.markPublished(published);
    } catch (err) {
      this.options.log.warn(
        { err, messages: published.length },
        'published messages not marked; the relay publishes them again',
      );
    }
  }

  /** Relays what was left behind, at once and then every `pollMs`, until the signal aborts; over every failure. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, pollMs = 500, keepMs = 86_400_000 } = this.options;
    let prunedAt = -Infinity;
    while (!signal.aborted) {
      try {
        await this.relayPending(signal);
        if (performance.now() - prunedAt > PRUNE_EVERY_MS) {
          await this.rows.prune(keepMs);
          prunedAt = performance.now();
        }
      } catch (err) {
        log.warn({ err }, 'outbox not relayed, trying again');
      }
      await delay(pollMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /**
   * Publishes the messages left behind, those of one subject in the order in which they were appended: one that fails holds
   * up the later ones of its subject until the next call, unless it can never be published.
   * @returns how many are done with. @throws CodedError `POSTGRES_UNREACHABLE`.
   */
  async relayPending(signal?: AbortSignal): Promise<number> {
    let total = 0;
    for (let after = 0; signal?.aborted !== true;) {
      const rows = await this.pending(after);
      const bySubject = new Map<string, OutboxMessage[]>();
      for (const { messageId: id, subject, message } of rows) {
        bySubject.set(subject, [...(bySubject.get(subject) ?? []), { id, subject, message }]);
      }
      const published = await Promise.all(
        [...bySubject.values()].map((messages) => this.publishInOrder(messages)),
      );
      await this.markPublished(published.flat());
      total += published.flat().length;
      const last = rows.at(-1);
      if (last === undefined || rows.length < BATCH || published.flat().length < rows.length) break;
      after = last.id;
    }
    if (total > 0)
      this.options.log.info({ messages: total }, 'messages that had been left behind are published');
    return total;
  }

  private pending(after: number): Promise<OutboxRow[]> {
    return this.rows.pending(after, this.options.graceMs ?? 2_000, BATCH);
  }

  private async publishInOrder(messages: readonly OutboxMessage[]): Promise<string[]> {
    const done: string[] = [];
    for (const message of messages) {
      if (!(await this.isDone(message))) break;
      done.push(message.id);
    }
    return done;
  }

  /** Whether the message has not to be tried again. */
  private async isDone(message: OutboxMessage): Promise<boolean> {
    const { publish, log } = this.options;
    const { subject, id } = message;
    try {
      await publish(message);
      return true;
    } catch (err) {
      if (isCoded(err) && err.class === 'terminal') {
        log.error({ err, subject, id }, 'message cannot be published, it is left out');
        return true;
      }
      log.warn({ err, subject, id }, 'message not published, it stays in the outbox');
      return false;
    }
  }

  private async markPublished(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.rows.markPublished(ids);
  }
}
