import { subjects, type Bus } from '@reinvite/bus';
import { ledgerBarrier, type LedgerBarrierReply } from '@reinvite/domain';
import { isCoded, type Logger } from '@reinvite/runtime';
import type { Ledger } from './ledger.js';
import type { Listener } from './listener.js';

/**
 * Answers `reinvite.ledger.barrier`: all that had arrived before, in our socket's buffer too, is in Postgres once the
 * answer says `flushed`. An answer that says `failed` says why.
 */
export function answerBarriers(
  bus: Bus,
  ledgerId: string,
  listener: Listener,
  ledger: Ledger,
  log: Logger,
): void {
  const flush = async (): Promise<LedgerBarrierReply> => {
    const started = performance.now();
    await listener.drained();
    const dialogs = await ledger.flush();
    log.info({ dialogs, ms: Math.round(performance.now() - started) }, 'barrier passed');
    return { status: 'flushed', ledgerId, flushedAt: Date.now(), dialogs };
  };
  const refuse = (error: unknown): LedgerBarrierReply => ({
    status: 'failed',
    ledgerId,
    code: isCoded(error) ? error.code : 'LEDGER_FAILED',
    message: error instanceof Error ? error.message : String(error),
  });
  bus.respond(subjects.ledgerBarrier, ledgerBarrier, flush, refuse);
}
