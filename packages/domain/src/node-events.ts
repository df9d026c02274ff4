import { z } from 'zod';
import { epochMs, incarnation, nodeDown, nodeId } from './node.js';

const event = { nodeId, incarnation, at: epochMs };

/** A life of the node's Asterisk was heard of for the first time. */
export const nodeSeen = z.object({ ...event, type: z.literal('NodeSeen') });

/** It has not been well for longer than it may be: nothing was heard, or its agent says that it is not up. */
export const nodeSuspected = z.object({
  ...event,
  type: z.literal('NodeSuspected'),
  cause: z.enum(['silent', 'unresponsive', 'starting', 'down']),
  /** How long it has not been well, in ms. */
  forMs: z.number().int().nonnegative(),
});

/** It is well again; nothing had been done to it. */
export const nodeCleared = z.object({ ...event, type: z.literal('NodeCleared') });

/** It was killed, and that was confirmed by its agent or by the configured command. */
export const nodeFenced = z.object({
  ...event,
  type: z.literal('NodeFenced'),
  by: z.enum(['agent', 'command']),
});

/** Nobody confirmed its death: it may be alive, so nothing of it is taken over. */
export const fenceFailed = z.object({
  ...event,
  type: z.literal('FenceFailed'),
  /** How often it has been tried in this suspicion. */
  tries: z.number().int().positive(),
  reason: z.string(),
});

/** What the sentinel records of one node, in the stream `node-<nodeId>`. */
export const nodeEvent = z.discriminatedUnion('type', [
  nodeSeen,
  nodeSuspected,
  nodeCleared,
  nodeFenced,
  fenceFailed,
  nodeDown,
]);
export type NodeEvent = z.infer<typeof nodeEvent>;
