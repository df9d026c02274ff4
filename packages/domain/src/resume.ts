import { z } from 'zod';
import { epochMs } from './node.js';

/** A playback that goes on where it was. */
const playbackResume = z.object({
  /** The one that it had. */
  id: z.string().min(1),
  media: z.array(z.string().min(1)).min(1),
  language: z.string(),
  /** How much of the first medium had been heard when the node died, ms. */
  offsetMs: z.number().int().nonnegative(),
});
export type PlaybackResume = z.infer<typeof playbackResume>;

/** A recording that goes on in a part of its own. */
const recordingResume = z.object({
  /** The name of the part. */
  name: z.string().min(1),
  format: z.string().min(1),
  /** The name of the whole: that of its first part. */
  recording: z.string().min(1),
  /** Number of the part, from 2. */
  part: z.number().int().min(2),
  /** The part before it, on the dead node. */
  from: z.object({ name: z.string().min(1), startedAt: epochMs }),
});
export type RecordingResume = z.infer<typeof recordingResume>;

/** Something that does not come back, and why: a code of {@link RESUME_REASONS}. */
export const notRestored = z.object({ what: z.string().min(1), reason: z.string().min(1) });
export type NotRestored = z.infer<typeof notRestored>;

const heard = {
  playbacks: z.array(playbackResume).optional(),
  recordings: z.array(recordingResume).optional(),
  /** Class. */
  musicOnHold: z.string().min(1).optional(),
  /** What is known beforehand not to come back. */
  notRestored: z.array(notRestored).optional(),
};

/** What a leg is to go on with once its phone has answered, and is joined where it is to be. */
export const legResume = z.object({
  ...heard,
  muted: z.enum(['in', 'out', 'both']).optional(),
  /** In a holding bridge. */
  holdingRole: z.enum(['participant', 'announcer']).optional(),
  /** Its phone holds the call: the others in its bridge hear music of that class (empty: their own). */
  holds: z.object({ musicClass: z.string() }).optional(),
  /** What its dialplan goes on with, by the names under which the audit shows it. */
  dialplan: z.array(z.string().min(1)).optional(),
  /** Set before the channel dials, under the names that they had. */
  variables: z.record(z.string(), z.string()).optional(),
});
export type LegResume = z.infer<typeof legResume>;

/** What a bridge is to go on with once its legs are in. */
export const bridgeResume = z.object(heard);
export type BridgeResume = z.infer<typeof bridgeResume>;

/** What a leg or bridge had been given to go on with by the recovery before, and whether its worker has said what came of it. */
export interface Resumed<T extends BridgeResume> {
  readonly resume: T;
  readonly told: boolean;
}

/** When something comes back: `unless-flow`: not where the application keeps its state with us (docs/flow.md), for then it does so itself. */
export type ResumeWhen = 'always' | 'unless-flow' | 'never';

/** By what was going on. */
export interface ResumePolicy {
  readonly playback: ResumeWhen;
  readonly musicOnHold: ResumeWhen;
  readonly recording: ResumeWhen;
  readonly mute: ResumeWhen;
}

export const DEFAULT_RESUME: ResumePolicy = {
  playback: 'unless-flow',
  musicOnHold: 'unless-flow',
  recording: 'unless-flow',
  mute: 'unless-flow',
};

/** Why something did not come back; docs/resume.md says what follows from each. */
export const RESUME_REASONS = {
  'application-in-charge': 'The application keeps its state with Reinvite, and goes on by itself.',
  'policy-forbids': "The policy of the node's group does not bring it back.",
  'activity-unseen': 'The node-agent had begun to listen later; nobody knows what was going on before.',
  'activity-unknown': 'Nobody could tell it: ARI does not, and AMI was not connected when it may have begun.',
  'begun-anew': 'It began again from its beginning: where it was cannot be told, or be gone to.',
  'not-supported': 'It is not brought back where the leg goes on: features of Dial in a recovered pair, say.',
  'leg-ended': 'The phone had hung up by then.',
  'not-in-application': 'The channel was in no ARI application by then, or its application is gone.',
  'request-refused': 'Asterisk refused the request.',
  'name-taken': 'A recording of that name is there already.',
  'in-bridge': 'Asterisk does not record a channel that is in a bridge.',
  'not-joined': 'The leg was back and could not be joined in its bridge.',
  'target-unreachable': 'The node did not answer the request.',
} as const;
export type ResumeReason = keyof typeof RESUME_REASONS;
