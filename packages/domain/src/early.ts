import { z } from 'zod';
import { epochMs, incarnation, nodeId } from './node.js';
import type { RecoveryPlanned } from './recovery/index.js';

const ofRecovery = { recoveryId: z.string(), callId: z.string(), nodeId, incarnation, at: epochMs };
const dialog = { legId: z.string(), sipCallId: z.string() };

/**
 * To the edge's side of recovery, on JetStream: INVITEs that a dead node has left without a final answer. The phone that
 * called hears that it was in vain, the phone that rings stops ringing.
 */
export const endEarlyDialogs = z.object({
  type: z.literal('EndEarlyDialogs'),
  ...ofRecovery,
  dialogs: z.array(z.object({ ...dialog, inviteCseq: z.number().int().nonnegative() })).min(1),
});
export type EndEarlyDialogs = z.infer<typeof endEarlyDialogs>;

/** What became of them; the one event of the stream `early-<recoveryId>`. `at`: when it was known. */
export const earlyDialogsEnded = z.object({
  type: z.literal('EarlyDialogsEnded'),
  ...ofRecovery,
  dialogs: z.array(
    z.object({
      ...dialog,
      /** `gone`: no edge knows the transaction any more, it had its end. `failed`: an edge could not be asked. */
      result: z.enum(['ended', 'gone', 'failed']),
    }),
  ),
});
export type EarlyDialogsEnded = z.infer<typeof earlyDialogsEnded>;

/** What is to be ended because of a plan; null where nothing is. */
export function earlyDialogsOf(plan: RecoveryPlanned): EndEarlyDialogs | null {
  const { recoveryId, callId, nodeId: node, incarnation: life, at } = plan;
  const dialogs = plan.skipped.flatMap(({ legId, sipCallId, inviteCseq }) =>
    inviteCseq === undefined ? [] : [{ legId, sipCallId, inviteCseq }],
  );
  if (dialogs.length === 0) return null;
  return { type: 'EndEarlyDialogs', recoveryId, callId, nodeId: node, incarnation: life, at, dialogs };
}

/** Event stream in which the end of a recovery's early dialogs is recorded. */
export function earlyStream(recoveryId: string): string {
  return `early-${recoveryId}`;
}
