import { z } from 'zod';
import { agoMs, factsTold, incarnation, nodeId } from './node.js';

/** Request of the sentinel to a node-agent: kill this life of your Asterisk, and no other. */
export const fenceRequest = z.object({
  type: z.literal('Fence'),
  nodeId,
  incarnation,
  requestedBy: z.string().min(1),
  /** That life was declared down, and its calls may be elsewhere by now: it is killed even where it is well. */
  declaredDown: z.boolean().optional(),
});
export type FenceRequest = z.infer<typeof fenceRequest>;

/** The agent's answer, once the process is gone or cannot be killed. */
export const fenceReply = z.object({
  /** True only where that life is over for certain. */
  fenced: z.boolean(),
  incarnation,
  /** Why not, or how. */
  reason: z.string(),
  /** Where its process was gone already. */
  agoMs,
  ...factsTold,
  lastFactSeq: factsTold.lastFactSeq.default(null),
});
export type FenceReply = z.infer<typeof fenceReply>;

/** The sentinel's answer to a `ProcessGone`. Only `recorded` true ends the agent's repeating it. */
export const processGoneReply = z.object({
  recorded: z.boolean(),
  /** Why it is not recorded yet; empty when it is. */
  reason: z.string().default(''),
});
export type ProcessGoneReply = z.infer<typeof processGoneReply>;
