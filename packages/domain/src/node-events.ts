import { z } from 'zod';
import { epochMs, incarnation, nodeDown, nodeId } from './node.js';

const event = { nodeId, incarnation, at: epochMs };

/** A life of the node's Asterisk was heard of for the first time. */
export const nodeSeen = z.object({ ...event, type: z.literal('NodeSeen') });

/** It has not been well for longer than it may be: nothing was heard, or its agent says that it is not up. */
export const nodeSuspected = z.object({
  ...event,
  type: z.literal('NodeSuspected'),
  /** `hung`: none of the witnesses beside it gets a sign of life. */
  cause: z.enum(['silent', 'unresponsive', 'starting', 'down', 'hung']),
  /** How long it has not been well, in ms. */
  forMs: z.number().int().nonnegative(),
});

/** It is well again; nothing had been done to it. */
export const nodeCleared = z.object({ ...event, type: z.literal('NodeCleared') });

/** It was killed, and that was confirmed by its agent or the configured command; or it was bound to have killed itself. */
export const nodeFenced = z.object({
  ...event,
  type: z.literal('NodeFenced'),
  by: z.enum(['agent', 'command', 'lease']),
  /** The sentinels that suspected it too, and so allowed the fence; left out where there is one sentinel. */
  agreedBy: z.array(z.string()).optional(),
});

/** Nobody confirmed its death: it may be alive, so nothing of it is taken over. */
export const fenceFailed = z.object({
  ...event,
  type: z.literal('FenceFailed'),
  /** How often it has been tried in this suspicion. */
  tries: z.number().int().positive(),
  reason: z.string(),
});

/** A person has said that it is dead, and answers for it: nobody has confirmed it otherwise. */
export const nodeDeclaredDown = z.object({
  ...event,
  type: z.literal('NodeDeclaredDown'),
  requestedBy: z.string(),
  reason: z.string(),
});

/** What the sentinel records of one node, in the stream `node-<nodeId>`. */
export const nodeEvent = z.discriminatedUnion('type', [
  nodeSeen,
  nodeSuspected,
  nodeCleared,
  nodeFenced,
  fenceFailed,
  nodeDeclaredDown,
  nodeDown,
]);
export type NodeEvent = z.infer<typeof nodeEvent>;
