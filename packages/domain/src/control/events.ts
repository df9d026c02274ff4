import { z } from 'zod';
import { epochMs, incarnation, nodeId } from '../node.js';

const byOperator = { requestedBy: z.string(), reason: z.string(), at: epochMs };

/** From here on no call of a dead node is touched, until recovery is resumed. */
const recoveryStopped = z.object({ type: z.literal('RecoveryStopped'), ...byOperator });

/** Recovery goes on: a stop has ended, a mass failure was looked at. */
const recoveryResumed = z.object({ type: z.literal('RecoveryResumed'), ...byOperator });

const death = z.object({ nodeId, incarnation, at: epochMs });

/** More nodes than is plausible died at once; from here on their calls, and those of further ones, wait for the operator. */
const massFailureDeclared = z.object({
  type: z.literal('MassFailureDeclared'),
  incidentId: z.string(),
  dead: z.array(death).min(1),
  /** How many nodes there are. */
  nodes: z.number().int().positive(),
  share: z.number(),
  withinMs: z.number().int().positive(),
  at: epochMs,
});

/** What holds recovery back as a whole; the stream {@link CONTROL_STREAM}. */
export const controlEvent = z.discriminatedUnion('type', [
  recoveryStopped,
  recoveryResumed,
  massFailureDeclared,
]);
export type ControlEvent = z.infer<typeof controlEvent>;

/** Event stream of {@link controlEvent}. The migrations begin it, so that its row is there to be locked. */
export const CONTROL_STREAM = 'control';

/** A node died so often that it gets no recovered calls; the one event of the stream {@link flappingStream}. */
export const nodeFlapping = z.object({
  type: z.literal('NodeFlapping'),
  nodeId,
  /** The life whose end showed it. */
  incarnation,
  at: epochMs,
  /** When its lives ended that count, epoch ms, oldest first. */
  crashes: z.array(epochMs).min(1),
  /** Until when it gets none, unless it dies again. */
  until: epochMs,
});
export type NodeFlapping = z.infer<typeof nodeFlapping>;

/** One for each life whose end is reported, so that two replicas report it once. */
export function flappingStream(nodeOf: string, life: string): string {
  return `flapping-${nodeOf}-${life}`;
}
