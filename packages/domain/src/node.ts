import { z } from 'zod';

/** Milliseconds since the Unix epoch. */
export const epochMs = z.number().int().nonnegative();

/** A node's configured name. */
export const nodeId = z.string().regex(/^[A-Za-z0-9_-]+$/);

/** One life of a node's Asterisk process: its ARI `startup_time` as epoch ms in base 10, or what else names that life. */
export const incarnation = z.string().min(1).max(64);

/**
 * For how long each of three witnesses beside an Asterisk has given no sign of its life, in ms of the agent's own waking time.
 * Null: not asked, or it cannot be asked, so that it says nothing either way.
 */
export const silences = z.object({
  /** ARI answers a ping. */
  ariMs: z.number().int().nonnegative(),
  /** SIP OPTIONS are answered; a busy Asterisk drops them. */
  sipMs: z.number().int().nonnegative().nullable(),
  /** Taskprocessors get on with what waits for them, or nothing waits. */
  tasksMs: z.number().int().nonnegative().nullable(),
});
export type Silences = z.infer<typeof silences>;

/** Published by a node-agent on core NATS, every `intervalMs`. */
export const heartbeat = z.object({
  type: z.literal('Heartbeat'),
  nodeId,
  incarnation: incarnation.nullable(),
  at: epochMs,
  intervalMs: z.number().int().positive(),
  /** `down`: the process is gone; `unresponsive`: it lives and does not answer; `starting`: it lives and ARI is not ready yet. */
  asterisk: z.enum(['up', 'unresponsive', 'starting', 'down']),
  liveChannels: z.number().int().nonnegative(),
  /** Whether the modules of Reinvite are loaded there: only such a node can take recovered calls. */
  recoveryModule: z.boolean(),
  /** Left out where no Asterisk runs that could be asked. */
  silences: silences.optional(),
});
export type Heartbeat = z.infer<typeof heartbeat>;

/** How far an agent had told of a life when that was over. */
export const factsTold = {
  /** JetStream sequence of the last fact that the agent published of this incarnation; null when it published none. */
  lastFactSeq: z.number().int().nonnegative().nullable(),
  /** False where facts may still come: NATS had not taken them all. */
  factsComplete: z.boolean().optional(),
};
export type FactsTold = Pick<ProcessGone, 'lastFactSeq' | 'factsComplete'>;

/**
 * For how long, ms, a death had been known to its agent when that told of it, by the agent's monotonic clock: who was away
 * meanwhile dates it by that, and no clocks of two machines are compared. Left out: just now.
 */
export const agoMs = z.number().int().nonnegative().optional();

/** An agent's word that its Asterisk's process is gone. Sent at once, and again until the sentinel has acknowledged it. */
export const processGone = z.object({
  type: z.literal('ProcessGone'),
  nodeId,
  incarnation,
  at: epochMs,
  agoMs,
  ...factsTold,
});
export type ProcessGone = z.infer<typeof processGone>;

/** The sentinel's verdict: this incarnation is dead, and cannot come back to life by itself. */
export const nodeDown = z.object({
  type: z.literal('NodeDown'),
  nodeId,
  incarnation,
  /** When the evidence was seen: by the agent, where it has said how long ago that was. */
  at: epochMs,
  /**
   * `lease-expired`: the node was bound to kill its Asterisk before this moment; `operator`: a person vouches for it.
   */
  evidence: z.enum(['process-gone', 'fenced', 'superseded', 'lease-expired', 'operator']),
  ...factsTold,
});
export type NodeDown = z.infer<typeof nodeDown>;
