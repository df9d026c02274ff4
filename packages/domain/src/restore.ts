import { z } from 'zod';
import { bereftResult, tendBereft } from './bereft.js';
import { epochMs, incarnation, nodeId } from './node.js';
import { bridgeResume, legResume, notRestored } from './resume.js';

/** Where a replacement channel goes on once the phone has answered its re-INVITE. */
export const continuation = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('stasis'), app: z.string().min(1), args: z.array(z.string()) }),
  z.object({
    kind: z.literal('dialplan'),
    context: z.string().min(1),
    extension: z.string().min(1),
    priority: z.number().int().positive(),
  }),
]);
export type Continuation = z.infer<typeof continuation>;

/** One attempt at one leg. */
export const legAttempt = z.object({
  legId: z.string().min(1),
  /** Our choice, made from recovery, leg and attempt, so that a repeated command finds its own channel. */
  channelId: z.string().min(1),
  endpoint: z.string().min(1),
  /** SIP URI for the dial string `PJSIP/<endpoint>/<requestUri>`. */
  requestUri: z.string().min(1),
  /** Channel variables: `PJSIP_RECOVERY_*` and what the call carries on. */
  variables: z.record(z.string(), z.string()),
  callerId: z.string(),
  accountCode: z.string(),
  language: z.string(),
  continuation,
  /** What it goes on with once it is up, and joined where it is to be. */
  resume: legResume.optional(),
});
export type LegAttempt = z.infer<typeof legAttempt>;

/** Command to an ari-worker: bring these legs of one call back on one node, and join them. */
export const restoreCall = z.object({
  type: z.literal('RestoreCall'),
  commandId: z.string().min(1),
  recoveryId: z.string().min(1),
  callId: z.string().min(1),
  attempt: z.number().int().positive(),
  target: nodeId,
  targetIncarnation: incarnation,
  /** None only where there is something to hang up. */
  legs: z.array(legAttempt),
  /** Channels of the target that lead to the dead node, to be hung up once the legs are in. */
  hangUp: z.array(z.string().min(1)).optional(),
  /** Joined by the worker in an ARI bridge with this id, or by the dialplan of the legs themselves, or not at all. */
  join: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('none') }),
    z.object({ kind: z.literal('dialplan') }),
    z.object({
      kind: z.literal('ari-bridge'),
      bridgeId: z.string().min(1),
      bridgeType: z.string().min(1),
      name: z.string(),
    }),
  ]),
  /** What one who waits for the others hears meanwhile. */
  comfort: z.string().min(1).optional(),
  /** What the ARI bridge goes on with once the legs are in. */
  bridgeResume: bridgeResume.optional(),
  /** Channels of the call that are back already and whose phones hold it: the other of a pair hears music of that class (empty: its own). */
  holding: z.array(z.object({ channelId: z.string().min(1), musicClass: z.string() })).optional(),
  /** After this moment no originate may be sent any more. */
  notAfter: epochMs,
});
export type RestoreCall = z.infer<typeof restoreCall>;

/** What ari-workers are told. */
export const workerCommand = z.discriminatedUnion('type', [restoreCall, tendBereft]);
export type WorkerCommand = z.infer<typeof workerCommand>;

/** What came back of what was going on, and what did not, by names such as `playback:sound:welcome`. */
const resumed = { restored: z.array(z.string().min(1)), notRestored: z.array(notRestored) };

const outcome = {
  commandId: z.string().min(1),
  recoveryId: z.string().min(1),
  callId: z.string().min(1),
  attempt: z.number().int().positive(),
  target: nodeId,
  at: epochMs,
};

/** What an ari-worker saw of a {@link restoreCall}; published to JetStream, may come twice. */
export const restoreFact = z.discriminatedUnion('type', [
  /** ARI took the originate: the re-INVITE is on its way. Or a worker is about to originate what another may have begun. */
  z.object({
    ...outcome,
    type: z.literal('LegOriginated'),
    legId: z.string().min(1),
    channelId: z.string().min(1),
  }),
  /** The phone answered 200 and the channel is up. */
  z.object({
    ...outcome,
    type: z.literal('LegAnswered'),
    legId: z.string().min(1),
    channelId: z.string().min(1),
  }),
  /** No originate was sent, or the channel ended before it was answered. `sent` false: no re-INVITE can have left. */
  z.object({
    ...outcome,
    type: z.literal('LegRefused'),
    legId: z.string().min(1),
    channelId: z.string().min(1),
    sent: z.boolean(),
    /** Q.850 cause where the channel ended, null otherwise. */
    cause: z.number().int().nullable(),
    /** SIP status of the phone's final answer, where there was one and the target told it. */
    status: z.number().int().nullable().optional(),
    /** For how long the phone asked to be left alone (RFC 3261 section 20.33), ms. */
    retryAfterMs: z.number().int().nonnegative().nullable().optional(),
    /** Coded reason, such as `REINVITE_REJECTED`, `REINVITE_UNANSWERED`, `TARGET_UNREACHABLE`, `DEADLINE_PASSED`. */
    reason: z.string().min(1),
  }),
  z.object({ ...outcome, type: z.literal('LegsJoined'), bridgeId: z.string().nullable() }),
  z.object({ ...outcome, type: z.literal('JoinFailed'), reason: z.string().min(1) }),
  z.object({
    ...outcome,
    type: z.literal('LegResumed'),
    legId: z.string().min(1),
    channelId: z.string().min(1),
    ...resumed,
  }),
  z.object({
    ...outcome,
    type: z.literal('BereftTended'),
    channelId: z.string().min(1),
    /** What was done, or was to be. */
    treatment: z.string().min(1),
    result: bereftResult,
  }),
  z.object({ ...outcome, type: z.literal('BridgeResumed'), bridgeId: z.string().min(1), ...resumed }),
]);
export type RestoreFact = z.infer<typeof restoreFact>;
