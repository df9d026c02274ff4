import { z } from 'zod';
import { epochMs, incarnation, nodeId } from './node.js';

/** Who asks and why: both are recorded. */
const who = z.string().min(1).max(256);
const why = z.string().min(1).max(1024);

/** Subject `reinvite.operator.node`, to the sentinels: an operator vouches that the node is dead. */
export const declareDown = z.strictObject({
  type: z.literal('DeclareDown'),
  nodeId,
  requestedBy: who,
  reason: z.string().max(1024).default(''),
});
export type DeclareDown = z.infer<typeof declareDown>;

const refused = z.object({ status: z.literal('refused'), code: z.string(), message: z.string() });

export const declareDownReply = z.discriminatedUnion('status', [
  /** `incarnation`: the life that is declared over. */
  z.object({ status: z.literal('accepted'), nodeId, incarnation }),
  refused,
]);
export type DeclareDownReply = z.infer<typeof declareDownReply>;

/** Subject `reinvite.operator.recovery`, answered by recovery. */
export const operatorCommand = z.discriminatedUnion('type', [
  /** No call of any dead node is touched from now on. */
  z.strictObject({ type: z.literal('StopRecovery'), requestedBy: who, reason: why }),
  /** Ends a stop, and lets go the calls that a mass failure holds. */
  z.strictObject({ type: z.literal('ResumeRecovery'), requestedBy: who, reason: why }),
  /** Lets a call go that is held in quarantine. `callId`: ours, or the SIP Call-ID of one of its legs. */
  z.strictObject({
    type: z.literal('ReleaseCall'),
    callId: z.string().min(1).max(256),
    requestedBy: who,
    reason: why,
  }),
  z.strictObject({ type: z.literal('AskStatus') }),
]);
export type OperatorCommand = z.infer<typeof operatorCommand>;

/** What stands of stops and mass failures. */
export const controlStatus = z.object({
  stopped: z.object({ requestedBy: z.string(), reason: z.string(), at: epochMs }).nullable(),
  massFailure: z
    .object({ incidentId: z.string(), at: epochMs, dead: z.array(nodeId), nodes: z.number().int() })
    .nullable(),
});
export type ControlStatus = z.infer<typeof controlStatus>;

export const recoveryStatus = z.object({
  control: controlStatus,
  /** Every node that was heard of, as this replica of recovery sees it. */
  nodes: z.array(
    z.object({
      nodeId,
      incarnation: incarnation.nullable(),
      asterisk: z.string(),
      heardAgoMs: z.number().int().nonnegative(),
      liveChannels: z.number().int().nonnegative(),
      /** Why it gets no recovered calls; null where it may get some. */
      excluded: z.string().nullable(),
    }),
  ),
  /** Calls that wait for an operator; `until`: when each is given up. */
  held: z.array(
    z.object({
      callId: z.string(),
      recoveryId: z.string(),
      nodeId,
      reason: z.string(),
      since: epochMs,
      until: epochMs,
    }),
  ),
  /** The latest deaths, newest first, with how many of their calls came to what. */
  deaths: z.array(
    z.object({
      nodeId,
      incarnation,
      downAt: epochMs,
      evidence: z.string(),
      calls: z.number().int(),
      recovered: z.number().int(),
      partlyRecovered: z.number().int(),
      failed: z.number().int(),
      skipped: z.number().int(),
      underWay: z.number().int(),
    }),
  ),
});
export type RecoveryStatus = z.infer<typeof recoveryStatus>;

export const operatorReply = z.discriminatedUnion('status', [
  /** `changed` false: it was so already. `calls`: how many calls were let go or given up by it. */
  z.object({
    status: z.literal('done'),
    changed: z.boolean(),
    calls: z.number().int().nonnegative(),
    control: controlStatus,
  }),
  z.object({ status: z.literal('status'), recovery: recoveryStatus }),
  refused,
]);
export type OperatorReply = z.infer<typeof operatorReply>;

/** Subject `reinvite.sentinel.status`: every sentinel answers. */
export const askSentinelStatus = z.object({ type: z.literal('AskSentinelStatus') });

export const sentinelStatus = z.object({
  type: z.literal('SentinelStatus'),
  sentinelId: z.string(),
  /** True where no other sentinel has a vote. */
  alone: z.boolean(),
  nodes: z.array(z.object({ nodeId, incarnation: incarnation.nullable(), standing: z.string() })),
});
export type SentinelStatus = z.infer<typeof sentinelStatus>;
