import { z } from 'zod';
import { incarnation, nodeId } from './node.js';

/** A sentinel's name among the sentinels. */
export const sentinelId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

/** Request, a sentinel → every sentinel: may this life be fenced? */
export const voteRequest = z.object({
  type: z.literal('VoteRequest'),
  nodeId,
  incarnation,
  askedBy: sentinelId,
  /** True: what do you know of it? Nobody's voice is given. */
  opinionOnly: z.boolean().optional(),
});
export type VoteRequest = z.infer<typeof voteRequest>;

/** What one sentinel knows of it by itself. */
export const vote = z.object({
  type: z.literal('Vote'),
  sentinelId,
  nodeId,
  incarnation,
  /** True where it suspects that very life itself, and can hear. */
  suspects: z.boolean(),
  /** It has begun to fence that life: another fence beside it would help nobody. */
  fencing: z.boolean(),
  /** It has this life down for dead already. */
  down: z.boolean(),
  /** The node's lease, as far as this sentinel has granted it, is over, its margin included. Null: it cannot say. */
  leaseOver: z.boolean().nullable(),
});
export type Vote = z.infer<typeof vote>;

/** Request, node-agent → every sentinel: another time until which this life may go on without hearing from a sentinel. */
export const leaseRequest = z.object({
  type: z.literal('LeaseRequest'),
  nodeId,
  incarnation,
  /** How long the lease lasts from the moment of this request, by the agent's clock. 0 gives the lease up. */
  leaseMs: z.number().int().nonnegative(),
});
export type LeaseRequest = z.infer<typeof leaseRequest>;

export const leaseReply = z.object({
  type: z.literal('LeaseReply'),
  sentinelId,
  /**
   * `refused`: that life was declared down, and must not go on. `ended`: this sentinel has said that its lease is over, and grants
   * it none; others may.
   */
  status: z.enum(['granted', 'released', 'refused', 'ended']),
  /** How many sentinels have a vote: a lease holds when more than half of them have granted it. */
  sentinels: z.number().int().positive(),
});
export type LeaseReply = z.infer<typeof leaseReply>;
