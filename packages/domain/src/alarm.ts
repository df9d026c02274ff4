import { z } from 'zod';
import { epochMs, incarnation, nodeId } from './node.js';

/** What a person has to look at, each on a subject of its own: `reinvite.alarm.<kind>`. */
export const ALARM_KINDS = [
  /** More nodes than is plausible are down at once: recovery waits for the operator. */
  'mass-failure',
  /** A node has crashed again and again: it gets no recovered calls for a while. */
  'node-flapping',
  /** A call may be what crashes its nodes, or was recovered too often: it is given to no other. */
  'call-quarantined',
  'recovery-stopped',
  'recovery-resumed',
  /** A fence was not confirmed: nothing of the node is taken over. */
  'fence-failed',
  /** Two Asterisks tell of themselves as one node: neither is taken for dead. */
  'node-doubled',
  /** A service's clock is so far from Postgres' that what two machines compare may go wrong. */
  'clock-skewed',
] as const;
export type AlarmKind = (typeof ALARM_KINDS)[number];

/**
 * Told on core NATS when it happens, at most once; what it tells of is an event in Postgres, where the audit shows it also to
 * those who were not listening; save `node-doubled` and `clock-skewed`, which stand in the log alone.
 */
export const alarm = z.object({
  type: z.literal('Alarm'),
  kind: z.enum(ALARM_KINDS),
  at: epochMs,
  /** Whom it is about, where it is about one node or call. */
  nodeId: nodeId.optional(),
  incarnation: incarnation.optional(),
  callId: z.string().optional(),
  /** One line for a person. */
  message: z.string(),
  details: z.record(z.string(), z.unknown()).default({}),
});
export type Alarm = z.infer<typeof alarm>;

/**
 * @param service whose clock it is
 * @param aheadMs of that of Postgres; below 0: behind
 */
export function clockSkewed(service: string, aheadMs: number, at: number): Alarm {
  const way = aheadMs > 0 ? 'ahead of' : 'behind';
  const message = `the clock of ${service} is ${Math.abs(aheadMs)} ms ${way} that of Postgres`;
  return { type: 'Alarm', kind: 'clock-skewed', at, message, details: { service, aheadMs } };
}
