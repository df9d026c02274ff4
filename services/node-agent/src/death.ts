import { setTimeout as delay } from 'node:timers/promises';
import { subjects, type Bus } from '@reinvite/bus';
import { processGoneReply, type ProcessGone } from '@reinvite/domain';
import { isCoded, type Logger } from '@reinvite/runtime';
import { flushLastFacts } from './calls/last-facts.js';
import type { Life } from './process/life.js';

/** A sentinel that cannot record it says so after two seconds. */
const ANSWER_MS = 2_500;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 1_000;

/** When a death was seen. */
export interface SeenAt {
  /** Epoch ms. */
  readonly at: number;
  /** Milliseconds of this process's monotonic clock. */
  readonly mono: number;
}

/** Tells the sentinel that a life is over, until it is recorded. Resolves then, or when the signal aborts. */
export async function reportDeath(
  life: Pick<Life, 'info' | 'facts'>,
  nodeId: string,
  seen: SeenAt,
  bus: Pick<Bus, 'request'>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { incarnation } = life.info;
  for (let wait = RETRY_MIN_MS; !signal.aborted; wait = Math.min(wait * 2, RETRY_MAX_MS)) {
    const { complete, lastSeq } = await flushLastFacts(life.facts);
    const gone: ProcessGone = {
      type: 'ProcessGone',
      nodeId,
      incarnation,
      at: seen.at,
      agoMs: Math.round(performance.now() - seen.mono),
      lastFactSeq: lastSeq,
      factsComplete: complete,
    };
    const reason = await tell(bus, gone);
    if (reason === undefined) {
      log.info({ nodeId, incarnation, lastFactSeq: lastSeq, complete }, 'the sentinel knows of the death');
      return;
    }
    log.warn({ nodeId, incarnation, reason, retryInMs: wait }, 'the sentinel has not recorded the death yet');
    await delay(wait, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns why it is not recorded, undefined when it is. */
async function tell(bus: Pick<Bus, 'request'>, gone: ProcessGone): Promise<string | undefined> {
  try {
    const reply = await bus.request(subjects.processGone(gone.nodeId), gone, processGoneReply, ANSWER_MS);
    return reply.recorded ? undefined : reply.reason;
  } catch (error) {
    return isCoded(error) ? error.message : String(error);
  }
}
