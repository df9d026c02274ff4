import { z } from 'zod';
import { httpUrl } from './config-url.js';

const ms = z.number().int().positive();

/** Who decides that a node is dead, and how long each of them waits. docs/detection.md says what follows from each. */
export const sentinel = z
  .strictObject({
    /** Name of this sentinel among the sentinels; each has its own. */
    sentinelId: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, 'letters, digits, "_" and "-" only')
      .default('sentinel-1'),
    /** How many sentinels there are in all, this one included: more than half of them must agree before a node is fenced. */
    sentinels: z.number().int().min(1).max(15).default(1),
    voteTimeoutMs: ms.default(250),
    /** No node is suspected for a shorter silence than this. */
    suspectAfterMs: ms.default(1_000),
    /** A silence of this length is suspicious, however irregular a node's heartbeats have been. */
    suspectWithinMs: ms.default(1_500),
    /** Between the two: how improbable a silence must be, as the negative decimal logarithm of its probability. */
    suspicionLevel: z.number().positive().default(8),
    /** For how long ARI, SIP and taskprocessors must have given no sign of life, all of them, before Asterisk counts as hung. */
    hangAfterMs: ms.default(1_000),
    /** A node that is suspected of silence is fenced when it stays silent this long. */
    fenceAfterMs: ms.default(500),
    fenceTimeoutMs: ms.default(5_000),
    /** Command that powers off or kills a node from outside; `{nodeId}` and `{incarnation}` in an argument are replaced. */
    fenceCommand: z.array(z.string().min(1)).min(1).optional(),
    /** Edges whose dispatcher is heard as a witness; those of `recovery.edges` where none are named. */
    edges: z.array(z.strictObject({ rpcUrl: httpUrl })).optional(),
    /** How long an edge may go on calling a node active that does not answer it any more. */
    edgeStaleMs: ms.default(1_750),
  })
  .prefault({});

/**
 * A node that hears of no sentinel for that long kills its own Asterisk. Off by default: with it an outage of NATS, or of most
 * sentinels, that lasts longer than the lease ends every call.
 */
export const lease = z
  .strictObject({
    enabled: z.boolean().default(false),
    ms: z.number().int().min(3_000).default(15_000),
    /** Where the agent leaves word for the process that kills; of a file system that a reboot empties. */
    file: z.string().min(1).optional(),
  })
  .prefault({});
