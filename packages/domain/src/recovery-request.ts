import { z } from 'zod';
import { nodeId } from './node.js';

/** A recovery asked for on NATS subject `reinvite.recovery.request`: of a node's calls, or of one call. */
export const recoveryRequest = z
  .strictObject({
    nodeId: nodeId.optional(),
    callId: z.string().min(1).max(256).optional(),
    reason: z.string().min(1).max(1024),
    requestedBy: z.string().min(1).max(256),
    /** The same key asked twice is done once; the second answer repeats the first. */
    idempotencyKey: z.string().min(1).max(256),
    /** Plan and answer, but do nothing. */
    dryRun: z.boolean().default(false),
  })
  .refine((r) => (r.nodeId === undefined) !== (r.callId === undefined), 'give either nodeId or callId');
export type RecoveryRequest = z.infer<typeof recoveryRequest>;

/** The answer to a {@link recoveryRequest}. */
export const recoveryReply = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('accepted'),
    idempotencyKey: z.string(),
    dryRun: z.boolean(),
    /** True when this key had been asked before. */
    repeated: z.boolean(),
    plans: z.array(
      z.object({
        recoveryId: z.string(),
        callId: z.string(),
        target: nodeId.nullable(),
        legs: z.number().int().nonnegative(),
        /** Why a call (or part of it) is not going to be recovered. */
        skipped: z.array(z.object({ legId: z.string(), reason: z.string() })),
      }),
    ),
  }),
  z.object({ status: z.literal('refused'), code: z.string(), message: z.string() }),
]);
export type RecoveryReply = z.infer<typeof recoveryReply>;
