import { z } from 'zod';
import { epochMs } from './node.js';

/*
 * What a leg or a bridge was doing: all that Asterisk forgets when it dies and that is neither SIP nor the place in the dialplan. Every
 * field is optional; a field that is not there was not going on, or nobody could tell (`unseenBefore`, `unknown`).
 */

/** A playback that ARI has begun (`POST …/play`). */
export const playbackActivity = z.object({
  /** ARI's playback id, kept over a recovery, so that the application's `PlaybackFinished` is of the playback that it asked for. */
  id: z.string().min(1),
  /** What is heard now (`sound:…`, `tone:…`, `recording:…`), then what Asterisk says comes next; it tells no more of a longer list. */
  media: z.array(z.string().min(1)).min(1),
  /** Empty where the leg's own is used. */
  language: z.string(),
  /** When the first of `media` would have begun had it been heard without a break from its beginning, epoch ms. */
  startedAt: epochMs,
});
export type PlaybackActivity = z.infer<typeof playbackActivity>;

/** A recording that ARI has begun (`POST …/record`). */
export const recordingActivity = z.object({
  /** The name under which it is stored. */
  name: z.string().min(1),
  format: z.string().min(1),
  startedAt: epochMs,
});
export type RecordingActivity = z.infer<typeof recordingActivity>;

/** What of the leg is not passed on: `in` what the phone says, `out` what it would hear. */
export const mutedActivity = z.object({ in: z.boolean(), out: z.boolean() });
export type MutedActivity = z.infer<typeof mutedActivity>;

/** A recording of the dialplan (`MixMonitor`). */
export const mixMonitorActivity = z.object({
  file: z.string().min(1),
  /** All that followed the file: options, and the command to run at the end. */
  options: z.string(),
  startedAt: epochMs.optional(),
});
export type MixMonitorActivity = z.infer<typeof mixMonitorActivity>;

/** A member of a `ConfBridge`. */
export const conferenceActivity = z.object({
  name: z.string().min(1),
  admin: z.boolean().optional(),
  marked: z.boolean().optional(),
  waitMarked: z.boolean().optional(),
  endMarked: z.boolean().optional(),
  muted: z.boolean().optional(),
});
export type ConferenceActivity = z.infer<typeof conferenceActivity>;

/** A parked call. */
export const parkedActivity = z.object({
  lot: z.string().min(1),
  space: z.string().min(1),
  /** Its whole timeout in seconds, from `parkedAt` on; 0: it is never called back. */
  timeoutS: z.number().int().nonnegative(),
  /** Dial string of the one who parked it; empty where nobody is called back. */
  parker: z.string(),
  parkedAt: epochMs.optional(),
});
export type ParkedActivity = z.infer<typeof parkedActivity>;

/** A caller in a `Queue`. */
export const queueActivity = z.object({
  name: z.string().min(1),
  /** From 1; left out once a member talks to the caller. */
  position: z.number().int().positive().optional(),
  joinedAt: epochMs,
  priority: z.number().int().optional(),
});
export type QueueActivity = z.infer<typeof queueActivity>;

/** What the two kinds of target have in common. */
const heard = {
  playbacks: z.array(playbackActivity).optional(),
  recordings: z.array(recordingActivity).optional(),
  /** Class of the music on hold that was started on it; `default` where none was named. */
  musicOnHold: z.string().min(1).optional(),
  /** Since when the observer has seen it, epoch ms, where that was not from its beginning: of what began before nothing is known. */
  unseenBefore: epochMs.optional(),
};

/** What a leg was doing. */
export const legActivity = z.object({
  ...heard,
  /** Its role in a holding bridge. */
  holdingRole: z.enum(['participant', 'announcer']).optional(),
  muted: mutedActivity.optional(),
  /** Since when its phone holds the call, and the class of music that it asked for (empty: none). */
  held: z.object({ musicClass: z.string(), since: epochMs }).optional(),
  /** Those that the configuration names. A name that begins with `_` or `__` is inherited, as in the dialplan. */
  variables: z.record(z.string(), z.string()).optional(),
  mixMonitors: z.array(mixMonitorActivity).optional(),
  conference: conferenceActivity.optional(),
  parked: parkedActivity.optional(),
  /** Since when it has been at its place in the dialplan, in the application that runs there, epoch ms. */
  dialplanSince: epochMs.optional(),
  /** Since when it has been in the bridge in which it is, epoch ms. */
  bridgedSince: epochMs.optional(),
  queue: queueActivity.optional(),
  /** What nobody could tell, by the names of the fields above: AMI is not connected, say. */
  unknown: z.array(z.string()).optional(),
});
export type LegActivity = z.infer<typeof legActivity>;

/** What a bridge was doing, heard by all in it. */
export const bridgeActivity = z.object(heard);
export type BridgeActivity = z.infer<typeof bridgeActivity>;
