import { z } from 'zod';
import { bridgeActivity, legActivity } from './activity.js';
import { epochMs, incarnation, nodeId } from './node.js';

/** Where a channel is in the dialplan, as ARI gives it. */
export const dialplanLocation = z.object({
  context: z.string(),
  extension: z.string(),
  priority: z.number().int(),
  /** The dialplan application that runs, `Stasis`, `Dial`, …; empty when none does. */
  appName: z.string(),
  appData: z.string(),
});
export type DialplanLocation = z.infer<typeof dialplanLocation>;

const fact = { nodeId, incarnation, at: epochMs };

/** A PJSIP channel as it is now; each observation replaces the one before. */
export const legObserved = z.object({
  ...fact,
  type: z.literal('LegObserved'),
  channelId: z.string().min(1),
  channelName: z.string().min(1),
  /** PJSIP endpoint of the peer, from the channel's name. */
  endpoint: z.string().min(1),
  /** SIP Call-ID (ARI `protocol_id`); empty until the channel has one. */
  sipCallId: z.string(),
  /** ARI channel state: `Down`, `Ring`, `Ringing`, `Up`, … */
  state: z.string(),
  createdAt: epochMs,
  caller: z.object({ name: z.string(), number: z.string() }),
  accountCode: z.string(),
  language: z.string(),
  dialplan: dialplanLocation,
  /** The Stasis application that has the channel, null when none has. */
  stasisApp: z.string().nullable(),
  /** ARI channel id of the channel that dialled this one (`Dial`, or ARI originate with an originator), null when none did. */
  dialedBy: z.string().nullable(),
  /**
   * Asterisk's `linkedid`; on a channel that has come back that of the call's first incarnation. Left out where ARI does not tell
   * it (`channelvars` in ari.conf).
   */
  linkedId: z.string().min(1).optional(),
  /** What it is doing; left out where that is nothing. */
  activity: legActivity.optional(),
});
export type LegObserved = z.infer<typeof legObserved>;

export const legGone = z.object({
  ...fact,
  type: z.literal('LegGone'),
  channelId: z.string().min(1),
  /** Q.850 cause. */
  cause: z.number().int(),
});
export type LegGone = z.infer<typeof legGone>;

/** A bridge with all its channels as it is now; each observation replaces the one before. */
export const bridgeObserved = z.object({
  ...fact,
  type: z.literal('BridgeObserved'),
  bridgeId: z.string().min(1),
  /** ARI `bridge_type`: `mixing`, `holding`. */
  bridgeType: z.string(),
  /** ARI `bridge_class`: `stasis` where ARI made it, `basic` where `Dial` did. */
  bridgeClass: z.string(),
  creator: z.string(),
  name: z.string(),
  channelIds: z.array(z.string()),
  /** What it is doing; left out where that is nothing. */
  activity: bridgeActivity.optional(),
});
export type BridgeObserved = z.infer<typeof bridgeObserved>;

export const bridgeGone = z.object({ ...fact, type: z.literal('BridgeGone'), bridgeId: z.string().min(1) });
export type BridgeGone = z.infer<typeof bridgeGone>;

/** First fact of an incarnation, and again when an agent resynchronizes: what is not observed after it and before `NodeSynced` is gone. */
export const nodeSyncing = z.object({ ...fact, type: z.literal('NodeSyncing') });
/** Every channel and bridge that lived at the last `NodeSyncing` has been observed since. */
export const nodeSynced = z.object({ ...fact, type: z.literal('NodeSynced') });

/** What a node-agent publishes to JetStream of its node's calls, in order. */
export const callFact = z.discriminatedUnion('type', [
  nodeSyncing,
  nodeSynced,
  legObserved,
  legGone,
  bridgeObserved,
  bridgeGone,
]);
export type CallFact = z.infer<typeof callFact>;
