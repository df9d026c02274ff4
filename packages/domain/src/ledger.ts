import { z } from 'zod';
import { epochMs } from './node.js';

/**
 * Request on NATS subject `reinvite.ledger.barrier`: write every SIP message that has arrived, then answer. What counts is
 * what had arrived when the ledger read the request, and so all that had when it was asked.
 */
export const ledgerBarrier = z.object({
  type: z.literal('LedgerBarrier'),
  /** Who asks and why, for the ledger's log. */
  requestedBy: z.string().min(1),
  at: epochMs,
  /** How long the ledger may take to read what has arrived; then it says that it is behind. */
  withinMs: z.number().int().positive().optional(),
});
export type LedgerBarrier = z.infer<typeof ledgerBarrier>;

/** One ledger's answer. `failed`: what it holds is not (all) readable in Postgres yet. */
export const ledgerBarrierReply = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('flushed'),
    ledgerId: z.string().min(1),
    /** All that had arrived before this, by the ledger's clock, is readable. */
    upTo: epochMs.optional(),
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

const count = z.number().int().nonnegative();

/** Request on NATS subject `reinvite.ledger.status`. */
export const ledgerStatusRequest = z.object({ type: z.literal('LedgerStatusRequest') });

/** What a ledger has counted since it started, and what it holds. */
export const ledgerStatus = z.object({
  ledgerId: z.string().min(1),
  /** Of the process: two that share a `ledgerId` differ in it. */
  instanceId: z.string().min(1).optional(),
  /** How many other ledgers had the same `ledgerId` at the last look: to be mended, they write over each other. */
  namesakes: count.optional(),
  startedAt: epochMs,
  at: epochMs,
  /** HEP packets that were read, and how they came. */
  packets: z.object({ udp: count, tcp: count }),
  /** SIP messages of a node. */
  messages: count,
  /** Packets that hold nothing for a ledger: RTCP, keep-alives. */
  other: count,
  /** Dropped packets and refused connections, by error code. */
  dropped: z.record(z.string(), count),
  /** Datagrams that the kernel dropped because its buffer was full; null where it does not tell. */
  kernelDrops: count.nullable(),
  /** What the kernel gave for datagrams that wait to be read; null without UDP. */
  receiveBufferBytes: count.nullable(),
  connections: count,
  /** Call-IDs in memory, and those of them that Postgres does not have yet. */
  callIds: count,
  unwritten: count,
  /** Dialogs that Postgres could not take as they are, and that were left out. */
  refused: count.optional(),
});
export type LedgerStatus = z.infer<typeof ledgerStatus>;
