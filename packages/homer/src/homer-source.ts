import { setTimeout as delay } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import { codedError, isCoded, type ErrorCode, type HomerConfig, type Logger } from '@reinvite/runtime';
import {
  dialogsOf,
  type CallDialogs,
  type Dialog,
  type DialogSearch,
  type DialogSource,
  type Observed,
} from '@reinvite/sip';
import { byCallId, fingerprintOf, foldMessages } from './answer.js';
import type { HomerApi, TimeSpan } from './api/api.js';
import type { Placing } from './capture/placing.js';
import { isComplete } from './complete.js';

/** Clocks differ between nodes, agents and HOMER, by less than this. */
const CLOCK_SKEW_MS = 60_000;
/** RFC 2606: no phone is there. */
const NOBODYS_CALL = 'greeting@reinvite.invalid';

export interface HomerSourceOptions {
  readonly api: HomerApi;
  readonly place: Placing;
  readonly settings: Pick<
    HomerConfig,
    'settleMs' | 'deadlineMs' | 'pollMs' | 'batchSize' | 'concurrency' | 'lookbackMs'
  >;
  readonly log: Logger;
  /** Aborts when the service stops. */
  readonly signal: AbortSignal;
}

/** What HOMER told, and of what it could not tell. Every Call-ID that was asked for is in exactly one of the two. */
export interface HomerTold {
  /** Call-IDs of which two answers in a row were the same and complete. */
  readonly told: ReadonlyMap<string, CallDialogs>;
  /** The others, with the reason: nothing is to be concluded of them, not even that HOMER has nothing. */
  readonly untold: ReadonlyMap<string, ErrorCode>;
}

export interface AskOptions {
  /** Whether what HOMER shows of a Call-ID is enough to stop asking; default {@link isComplete}. */
  readonly enough?: (call: CallDialogs) => boolean;
  /** Which messages are looked at; default: all of the nodes. */
  readonly counts?: (observed: Observed) => boolean;
}

/** One batch of Call-IDs on its way. */
interface Batch {
  /** By Call-ID the fingerprint of the last answer that came late enough; null before it. */
  readonly open: Map<string, string | null>;
  readonly span: TimeSpan;
  /** Answers to questions before this moment (epoch ms) do not count. */
  readonly settledAt: number;
  readonly options: Required<AskOptions>;
  readonly signal: AbortSignal;
}

/**
 * Dialogs from HOMER. It shows a message seconds after it was sent, with gaps, and nothing when its database is away. So:
 * 1. an answer counts only for a question asked `settleMs` after the last thing that can have happened;
 * 2. only what two such answers in a row say alike counts, and only if it is complete in itself;
 * 3. no answer, and an answer without messages, say nothing: the question is asked again until the deadline.
 */
export class HomerSource implements DialogSource {
  private readonly limit: LimitFunction;

  constructor(private readonly options: HomerSourceOptions) {
    this.limit = pLimit(options.settings.concurrency);
  }

  /** @throws CodedError `HOMER_UNSETTLED`, or the error that stood in the way, where HOMER could not tell of one of them. */
  async findByCallIds(
    callIds: readonly string[],
    search?: DialogSearch,
  ): Promise<ReadonlyMap<string, readonly Dialog[]>> {
    const { told, untold } = await this.ask(callIds, search);
    for (const code of untold.values())
      throw codedError(code, 'HOMER could not tell of all dialogs', { untold: untold.size });
    return new Map([...told].map(([callId, call]) => [callId, dialogsOf(call)]));
  }

  /**
   * Asks HOMER for a call that cannot be, so that what is wrong with the configuration is said when a service starts, and not
   * when a node dies.
   * @returns null where HOMER answers, else why not; it is in the log.
   * @throws the signal's reason when the service stops.
   */
  async greet(): Promise<ErrorCode | null> {
    const { api, settings, log, signal } = this.options;
    const now = Date.now();
    try {
      await api.messages([NOBODYS_CALL], { fromMs: now - settings.pollMs, toMs: now }, signal);
      log.info('HOMER answers');
      return null;
    } catch (err) {
      if (signal.aborted || !isCoded(err)) throw err;
      if (err.class === 'retryable') log.warn({ err }, 'HOMER does not answer now');
      else log.error({ err }, 'HOMER will not tell of any dialog');
      return err.code;
    }
  }

  /**
   * Asks until every Call-ID is settled or the deadline has passed. Call-IDs in batches, which do not wait for one another.
   * @param search default: the last `lookbackMs`, up to now.
   * @throws the signal's reason when the service stops, else never.
   */
  async ask(callIds: readonly string[], search?: DialogSearch, options: AskOptions = {}): Promise<HomerTold> {
    const { settings, log, signal: stopping } = this.options;
    const startedAt = Date.now();
    // A clock that is ahead of ours must not make us wait for longer.
    const until = Math.min(search?.until ?? startedAt, startedAt);
    const since = search?.since ?? startedAt - settings.lookbackMs;
    const deadline = AbortSignal.timeout(settings.deadlineMs);
    const signal = AbortSignal.any([deadline, stopping]);
    const told = new Map<string, CallDialogs>();
    const untold = new Map<string, ErrorCode>();
    await Promise.all(
      inBatches([...new Set(callIds)], settings.batchSize).map(async (ids) => {
        const batch: Batch = {
          open: new Map(ids.map((callId) => [callId, null])),
          span: { fromMs: since - CLOCK_SKEW_MS, toMs: until + CLOCK_SKEW_MS },
          settledAt: until + settings.settleMs,
          options: { enough: isComplete, counts: () => true, ...options },
          signal,
        };
        const code = await this.settle(batch, told);
        for (const callId of batch.open.keys()) untold.set(callId, code);
      }),
    );
    stopping.throwIfAborted();
    const summary = { asked: callIds.length, told: told.size, tookMs: Date.now() - startedAt };
    if (untold.size === 0) log.info(summary, 'HOMER told of all dialogs');
    else log.warn({ ...summary, untold: countsOf(untold) }, 'HOMER could not tell of all dialogs');
    return { told, untold };
  }

  /**
   * Asks for a batch until nothing of it is open, the deadline has passed, or asking again cannot help.
   * @returns why what is still open is so.
   */
  private async settle(batch: Batch, told: Map<string, CallDialogs>): Promise<ErrorCode> {
    const { open, signal, settledAt } = batch;
    let code: ErrorCode = 'HOMER_UNSETTLED';
    let pause = Math.max(0, settledAt - Date.now());
    while (open.size > 0) {
      try {
        await delay(pause, undefined, { signal });
        await this.limit(() => this.round(batch, told));
        code = 'HOMER_UNSETTLED';
      } catch (error) {
        if (signal.aborted) break;
        if (!isCoded(error)) throw error;
        if (error.code !== code) this.options.log.warn({ err: error }, 'HOMER could not be asked');
        code = error.code;
        if (error.class !== 'retryable') break;
      }
      pause = this.options.settings.pollMs;
    }
    return code;
  }

  private async round(batch: Batch, told: Map<string, CallDialogs>): Promise<void> {
    const { open, span, options, signal } = batch;
    const { api, place, log } = this.options;
    const page = await api.messages([...open.keys()], span, signal);
    let { unreadable } = page;
    const answers = byCallId(page.messages);
    for (const [callId, before] of [...open]) {
      const messages = answers.get(callId) ?? [];
      const fingerprint = messages.length === 0 ? null : fingerprintOf(messages);
      open.set(callId, fingerprint);
      if (fingerprint === null || fingerprint !== before) continue;
      const folded = foldMessages(callId, messages, place, options.counts);
      unreadable += folded.unreadable;
      if (!options.enough(folded.call)) continue;
      told.set(callId, folded.call);
      open.delete(callId);
    }
    if (unreadable > 0) log.warn({ unreadable }, 'HOMER has messages that cannot be read');
  }
}

function inBatches<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

function countsOf(untold: ReadonlyMap<string, ErrorCode>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const code of untold.values()) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}
