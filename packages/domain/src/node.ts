import { z } from 'zod';

/** Milliseconds since the Unix epoch. */
export const epochMs = z.number().int().nonnegative();

/** A node's configured name. */
export const nodeId = z.string().regex(/^[A-Za-z0-9_-]+$/);

/** One life of a node's Asterisk process: its ARI `startup_time` as epoch ms in base 10, or what else names that life. */
export const incarnation = z.string().min(1).max(64);

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
});
export type Heartbeat = z.infer<typeof heartbeat>;

/** False where facts of that life are still to come: NATS had not taken them all when its death was told. */
const factsComplete = z.boolean().optional();

/** An agent's word that its Asterisk's process is gone. Sent at once, and again until the sentinel has acknowledged it. */
export const processGone = z.object({
  type: z.literal('ProcessGone'),
  nodeId,
  incarnation,
  at: epochMs,
  /** JetStream sequence of the last fact that the agent published of this incarnation; null when it published none. */
  lastFactSeq: z.number().int().nonnegative().nullable(),
  factsComplete,
});
export type ProcessGone = z.infer<typeof processGone>;

/** The sentinel's verdict: this incarnation is dead, and cannot come back to life by itself. */
export const nodeDown = z.object({
  type: z.literal('NodeDown'),
  nodeId,
  incarnation,
  /** When the evidence was seen. */
  at: epochMs,
  evidence: z.enum(['process-gone', 'fenced', 'superseded']),
  lastFactSeq: z.number().int().nonnegative().nullable(),
  factsComplete,
});
export type NodeDown = z.infer<typeof nodeDown>;
