import { subjects, type Bus } from '@reinvite/bus';
import { ledgerBarrier, type LedgerBarrier, type LedgerBarrierReply } from '@reinvite/domain';
import { isCoded, type Logger } from '@reinvite/runtime';
import type { Ledger } from './ledger.js';
import type { Listener } from './listener.js';

/** Where nothing else is asked for. Who asks gives up earlier, if at all: an answer that is late is better than none. */
const DRAIN_MS = 1_000;

/**
 * Answers `reinvite.ledger.barrier`: all that had arrived before, in the buffers of our sockets too, is in Postgres once
 * the answer says `flushed`. An answer that says `failed` says why: Postgres refused or is away, or we are so far behind
 * that not all could be read in time; what had been read is written then all the same.
 * @returns what ends the answering.
 */
export function answerBarriers(
  bus: Bus,
  ledgerId: string,
  listener: Pick<Listener, 'drained'>,
  ledger: Ledger,
  log: Logger,
): () => void {
  const flush = async ({ requestedBy, withinMs = DRAIN_MS }: LedgerBarrier): Promise<LedgerBarrierReply> => {
    const started = performance.now();
    const upTo = Date.now();
    const behind = await listener.drained(withinMs).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    const drainedMs = Math.round(performance.now() - started);
    const dialogs = await ledger.flush();
    if (behind !== undefined) throw behind.error;
    const ms = Math.round(performance.now() - started);
    log.info({ requestedBy, dialogs, drainedMs, ms }, 'barrier passed');
    return { status: 'flushed', ledgerId, upTo, flushedAt: Date.now(), dialogs };
  };
  const refuse = (error: unknown): LedgerBarrierReply => ({
    status: 'failed',
    ledgerId,
    code: isCoded(error) ? error.code : 'LEDGER_FAILED',
    message: error instanceof Error ? error.message : String(error),
  });
  return bus.respond(subjects.ledgerBarrier, ledgerBarrier, flush, refuse);
}
