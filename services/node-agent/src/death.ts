import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { subjects, type Bus } from '@reinvite/bus';
import { processGoneReply, type ProcessGone } from '@reinvite/domain';
import { isCoded, type Logger } from '@reinvite/runtime';
import type { Life } from './process/life.js';

/** The last facts of a dead life are on their way already; a death is not kept back for longer. */
const FLUSH_MS = 200;
/** A sentinel that cannot record it says so after two seconds. */
const ANSWER_MS = 2_500;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 1_000;

/** Tells the sentinel that a life is over, until it is recorded. Resolves then, or when the signal aborts. */
export async function reportDeath(
  life: Pick<Life, 'info' | 'facts'>,
  nodeId: string,
  at: number,
  bus: Pick<Bus, 'request'>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { incarnation } = life.info;
  await readWhatHasArrived();
  for (let wait = RETRY_MIN_MS; !signal.aborted; wait = Math.min(wait * 2, RETRY_MAX_MS)) {
    const { complete, lastSeq } = await life.facts.flush(FLUSH_MS);
    const gone: ProcessGone = {
      type: 'ProcessGone',
      nodeId,
      incarnation,
      at,
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

/**
 * A death is seen before the socket of Asterisk closes: what it sent before is in our receive buffer still. The event loop
 * reads a socket once a turn.
 */
async function readWhatHasArrived(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
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
