import { z } from 'zod';
import { isGivenOnce } from './config-secrets.js';

const ms = z.number().int().positive();
const MEBIBYTE = 1024 * 1024;

/** How captures are taken in. docs/ledger.md tells what the limits cost. */
export const dialogLedger = z
  .strictObject({
    ledgerId: z.string().min(1).default('ledger-1'),
    /** `::` listens on IPv6 and IPv4. */
    host: z.string().min(1).default('0.0.0.0'),
    /** The same for UDP and TCP. */
    port: z.number().int().min(0).max(65_535).default(9060),
    transports: z
      .array(z.enum(['udp', 'tcp']))
      .min(1)
      .default(['udp', 'tcp']),
    /** What every capture has to carry. In the file each line is a password that is accepted, so that it can be changed. */
    capturePassword: z.string().min(1).optional(),
    capturePasswordFile: z.string().min(1).optional(),
    /** Asked for; the kernel gives `net.core.rmem_max` at most. */
    receiveBufferBytes: z
      .number()
      .int()
      .min(64 * 1024)
      .max(1024 * MEBIBYTE)
      .default(32 * MEBIBYTE),
    /** TCP connections at the same time. */
    maxConnections: z.number().int().min(1).default(256),
    /** Call-IDs in memory, about 1 KB each; messages of further ones are dropped and counted. */
    maxCallIds: z.number().int().min(1).default(500_000),
    flushMs: ms.default(40),
    /** Ended dialogs stay readable this long. */
    keepEndedMs: ms.default(60_000),
  })
  .refine(
    isGivenOnce('capturePassword', 'capturePasswordFile'),
    'capturePassword and capturePasswordFile are both given',
  )
  .prefault({});

const captureId = z.number().int().min(0).max(0xffff_ffff);

/** Capture id that a node's `hep.conf` sets, or several of them. */
export const hepCaptureId = z.union([captureId, z.array(captureId).min(1)]);

/** Capture ids of a node, however they are written. */
export function captureIdsOf(node: { readonly hepCaptureId?: number | readonly number[] | undefined }) {
  const { hepCaptureId: ids = [] } = node;
  return typeof ids === 'number' ? [ids] : ids;
}
