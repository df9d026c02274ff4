import { z } from 'zod';
import { epochMs } from './node.js';

/** Request on NATS subject `reinvite.ledger.barrier`: write every SIP message that has arrived, then answer. */
export const ledgerBarrier = z.object({
  type: z.literal('LedgerBarrier'),
  /** Who asks and why, for the ledger's log. */
  requestedBy: z.string().min(1),
  at: epochMs,
});
export type LedgerBarrier = z.infer<typeof ledgerBarrier>;

/** One ledger's answer. `failed`: what it holds is not (all) readable in Postgres yet. */
export const ledgerBarrierReply = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('flushed'),
    ledgerId: z.string().min(1),
    flushedAt: epochMs,
    /** Dialogs written by this barrier. */
    dialogs: z.number().int().nonnegative(),
  }),
  z.object({
    status: z.literal('failed'),
    ledgerId: z.string().min(1),
    code: z.string().min(1),
    message: z.string(),
  }),
]);
export type LedgerBarrierReply = z.infer<typeof ledgerBarrierReply>;
