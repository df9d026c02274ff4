import { z } from 'zod';
import { callKind, legPlace } from '../call/call.js';
import { bereftResult, bereftTreatment } from '../bereft.js';
import { plannedConference } from '../conference/planned-conference.js';
import { epochMs, incarnation, nodeDown, nodeId } from '../node.js';
import { flowOfLeg } from '../flow.js';
import { restoreCall } from '../restore.js';
import { bridgeResume, legResume, notRestored } from '../resume.js';

/** Why a recovery began. `at`: when the evidence was seen, or the request came. */
const trigger = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('node-down'), evidence: nodeDown.shape.evidence, at: epochMs }),
  z.object({
    kind: z.literal('request'),
    idempotencyKey: z.string(),
    requestedBy: z.string(),
    reason: z.string(),
    at: epochMs,
  }),
]);
export type Trigger = z.infer<typeof trigger>;

/** A leg that is to come back; all that is needed to originate it, on any node. */
const plannedLeg = z.object({
  /** The ARI channel id that it had on the dead incarnation. */
  legId: z.string(),
  sipCallId: z.string(),
  endpoint: z.string(),
  place: legPlace,
  /** `PJSIP_RECOVERY_*`. */
  dialog: z.record(z.string(), z.string()),
  callerId: z.string(),
  accountCode: z.string(),
  language: z.string(),
  /** What its ARI application has put, where that is where it goes on. */
  flow: flowOfLeg.optional(),
  /** What it goes on with once it is back. */
  resume: legResume.optional(),
});
export type PlannedLeg = z.infer<typeof plannedLeg>;

const skippedLeg = z.object({
  legId: z.string(),
  sipCallId: z.string(),
  endpoint: z.string(),
  reason: z.string(),
  /** What its source was unsure of. */
  unsure: z.array(z.string()).optional(),
  /** CSeq of an INVITE that nobody can answer any more and that is still to be ended at the edge. */
  inviteCseq: z.number().int().nonnegative().optional(),
});
export type SkippedLeg = z.infer<typeof skippedLeg>;

const limits = z.object({
  maxAttempts: z.number().int().positive(),
  /** How long one attempt at one leg may take before it counts as unanswered, ms. */
  attemptTimeoutMs: z.number().int().positive(),
  /** How long a call for which no fit node is there waits for one, ms; absent: not at all. */
  targetWaitMs: z.number().int().nonnegative().optional(),
  /** Groups of nodes that may take the call; any where it is absent. */
  targetGroups: z.array(z.string()).optional(),
  /** How many targets the call may lose yet before it is given to no further one; no limit where it is absent. */
  crashesLeft: z.number().int().positive().optional(),
});
export type Limits = z.infer<typeof limits>;

/** Whose recovery it is, and when it happened: `at` is from the command, or when an ari-worker saw it. */
const happened = { recoveryId: z.string(), callId: z.string(), nodeId, incarnation, at: epochMs };
const ofAttempt = { ...happened, attempt: z.number().int().positive(), target: nodeId };
const ofLeg = { ...ofAttempt, legId: z.string(), channelId: z.string() };

/** Another source had to be asked before the call could be planned. */
const waitedFor = z.object({
  source: z.literal('homer'),
  /** From the question to its answer, or to the deadline. */
  ms: z.number().int().nonnegative(),
});
export type WaitedFor = z.infer<typeof waitedFor>;

/** First event of every recovery. `legs` is empty where nothing of the call can come back. */
const recoveryPlanned = z.object({
  type: z.literal('RecoveryPlanned'),
  ...happened,
  trigger,
  kind: callKind,
  join: restoreCall.shape.join,
  legs: z.array(plannedLeg),
  skipped: z.array(skippedLeg),
  limits,
  /** What its ARI bridge goes on with. */
  bridgeResume: bridgeResume.optional(),
  /** Asterisk's `linkedid` of the call's first incarnation; left out where nobody told it. */
  linkedId: z.string().min(1).optional(),
  waitedFor: waitedFor.optional(),
  /** Where the call was part of a conference that is, or may be, on several nodes. */
  conference: plannedConference.optional(),
  /** What is done with the one leg of it that is left where the others cannot return; nothing where it is absent. */
  bereft: bereftTreatment.optional(),
  /** What one who waits for the others hears meanwhile; nothing where it is absent. */
  comfort: z.string().min(1).optional(),
});
export type RecoveryPlanned = z.infer<typeof recoveryPlanned>;

const disagreement = z.object({
  legId: z.string(),
  sipCallId: z.string(),
  /** Of the dialog in question, as our side sees it. */
  localTag: z.string(),
  remoteTag: z.string(),
  /** What each source says, as JSON. */
  fields: z.array(z.object({ field: z.string(), ledger: z.string(), homer: z.string() })),
  /** What each source is unsure of. */
  unsure: z.object({ ledger: z.array(z.string()), homer: z.array(z.string()) }),
});
export type Disagreement = z.infer<typeof disagreement>;

/** The ledger and HOMER say different things of a dialog. For the audit; the plan rests on what both have seen. */
const dialogSourcesDisagreed = z.object({
  type: z.literal('DialogSourcesDisagreed'),
  ...happened,
  ...disagreement.shape,
});

/** The legs were given to a target. */
const attemptStarted = z.object({
  type: z.literal('AttemptStarted'),
  ...ofAttempt,
  targetIncarnation: incarnation,
  legs: z.array(
    z.object({
      legId: z.string(),
      channelId: z.string(),
      /** True where the phone refused the offer of the session that it had, and gets Asterisk's own one. */
      plainOffer: z.boolean().optional(),
    }),
  ),
  /**
   * Legs that led from the dead node to the target, where the conference of the call is joined again: they are not brought back, and
   * their other ends, channels of the target, are hung up when the phones are in.
   */
  rejoined: z.array(z.object({ legId: z.string(), channelId: z.string() })).optional(),
  /** After this moment no originate may be sent any more. */
  notAfter: epochMs,
  /** When the attempt is given up if the target has not said how it ended. */
  deadlineAt: epochMs,
});
export type AttemptStarted = z.infer<typeof attemptStarted>;

/**
 * Another attempt is to be made, and not yet: the phone asked for patience (491, `Retry-After`), or no fit node is there.
 * The first attempt waits like this too.
 */
const attemptAwaited = z.object({
  type: z.literal('AttemptAwaited'),
  ...happened,
  /** The attempt that is waited for. */
  attempt: z.number().int().positive(),
  /** What its legs were refused for, or `no-target`. */
  reason: z.string(),
  /** When to look again, epoch ms. */
  dueAt: epochMs,
  /** When waiting for a node is given up, epoch ms; null where the wait is not for a node. */
  until: epochMs.nullable(),
});
export type AttemptAwaited = z.infer<typeof attemptAwaited>;

/** The call waits for an operator: until it is released nothing of it is dialled. */
const recoveryHeld = z.object({
  type: z.literal('RecoveryHeld'),
  ...happened,
  /** What holds it; the reason of its outcome where nobody releases it. */
  reason: z.string(),
  /** When that is, epoch ms. */
  until: epochMs,
});
export type RecoveryHeld = z.infer<typeof recoveryHeld>;

/** An operator lets it go. */
const holdReleased = z.object({
  type: z.literal('HoldReleased'),
  ...happened,
  requestedBy: z.string(),
  reason: z.string(),
});

/** The node of the attempt is dead for certain: whatever it had not sent it never will. */
const targetDied = z.object({
  type: z.literal('TargetDied'),
  ...ofAttempt,
  /** Legs that had come back there, so that the recovery of the target's own calls sees to them. */
  takenOver: z.array(z.string()),
  /** Legs that had come back there too late for that one to know: they go on here. None where it is left out. */
  retaken: z.array(z.object({ legId: z.string(), channelId: z.string() })).optional(),
});

/** The re-INVITE is on its way. */
const legOriginated = z.object({ type: z.literal('LegOriginated'), ...ofLeg });

/** The phone has answered the re-INVITE with 200. */
const legAnswered = z.object({ type: z.literal('LegAnswered'), ...ofLeg });

/** The leg did not come back by this attempt. */
const legRefused = z.object({
  type: z.literal('LegRefused'),
  ...ofLeg,
  /** False: no re-INVITE can have left. */
  sent: z.boolean(),
  /** Q.850 cause where the channel ended, null otherwise. */
  cause: z.number().int().nullable(),
  /** SIP status of the phone's final answer, where there was one and the target told it. */
  status: z.number().int().nullable().optional(),
  /** For how long the phone asked to be left alone (RFC 3261 section 20.33), ms. */
  retryAfterMs: z.number().int().nonnegative().nullable().optional(),
  reason: z.string(),
});

const legsJoined = z.object({ type: z.literal('LegsJoined'), ...ofAttempt, bridgeId: z.string().nullable() });

const joinFailed = z.object({ type: z.literal('JoinFailed'), ...ofAttempt, reason: z.string() });

/** What came back of what was going on, and what did not. It comes after the outcome as a rule, and changes nothing. */
const resumed = { restored: z.array(z.string()), notRestored: z.array(notRestored) };
const legResumed = z.object({ type: z.literal('LegResumed'), ...ofLeg, ...resumed });
const bridgeResumed = z.object({
  type: z.literal('BridgeResumed'),
  ...ofAttempt,
  bridgeId: z.string(),
  ...resumed,
});

const attemptTimedOut = z.object({ type: z.literal('AttemptTimedOut'), ...ofAttempt });

const outcome = z.enum(['recovered', 'partly-recovered', 'failed', 'skipped']);
export type Outcome = z.infer<typeof outcome>;

/** The one outcome of the recovery, with a coded reason; the reason is null for `recovered`. */
const recoveryCompleted = z.object({
  type: z.literal('RecoveryCompleted'),
  ...happened,
  outcome,
  reason: z.string().nullable(),
});

/** A phone's answer became known after the outcome, or when its node was dead and the leg given up there; it changes nothing. */
const answerCameLate = z.object({ type: z.literal('AnswerCameLate'), ...ofLeg });

/** One leg is left of a call, and this is what is done with it. After the outcome. */
const legsBereft = z.object({
  type: z.literal('LegsBereft'),
  ...ofAttempt,
  targetIncarnation: incarnation,
  /** Of ours, or of one who was in the conference on the target. */
  channelId: z.string(),
  /** ARI bridge that it is in; null where the dialplan joins the call. */
  bridgeId: z.string().nullable(),
  treatment: bereftTreatment,
  /** How long it is held, epoch ms; null where it is not. */
  until: epochMs.nullable(),
});
export type LegsBereft = z.infer<typeof legsBereft>;

/** Nobody has come for one who was held. */
const bereftHoldOver = z.object({ type: z.literal('BereftHoldOver'), ...ofAttempt });

/** What came of it; `treatment`: what was done. */
const bereftTended = z.object({
  type: z.literal('BereftTended'),
  ...ofAttempt,
  channelId: z.string(),
  treatment: z.string(),
  result: bereftResult,
});

/** What happened in one recovery; the events of one stream, flat as they are stored. */
export const recoveryEvent = z.discriminatedUnion('type', [
  recoveryPlanned,
  dialogSourcesDisagreed,
  attemptStarted,
  attemptAwaited,
  recoveryHeld,
  holdReleased,
  targetDied,
  legOriginated,
  legAnswered,
  legRefused,
  legsJoined,
  joinFailed,
  attemptTimedOut,
  recoveryCompleted,
  answerCameLate,
  legsBereft,
  bereftHoldOver,
  bereftTended,
  legResumed,
  bridgeResumed,
]);
export type RecoveryEvent = z.infer<typeof recoveryEvent>;

/** Whose recovery it is; every event says so. */
export type RecoveryIdentity = Pick<RecoveryEvent, 'recoveryId' | 'callId' | 'nodeId' | 'incarnation'>;

/** The identity that an event or a plan carries. */
export function identityOf({
  recoveryId,
  callId,
  nodeId: node,
  incarnation: life,
}: RecoveryIdentity): RecoveryIdentity {
  return { recoveryId, callId, nodeId: node, incarnation: life };
}
