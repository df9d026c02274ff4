import { z } from 'zod';
import { epochMs } from '../node.js';
import { notRestored } from '../resume.js';

/** What an application of the dialplan needs beyond its place, so as to go on where it was: with the arguments that it had, evaluated. */
export const placeWork = z.discriminatedUnion('app', [
  z.object({
    app: z.literal('ConfBridge'),
    name: z.string().min(1),
    bridgeProfile: z.string(),
    /** Of the configuration; empty: the default one. */
    userProfile: z.string(),
    menu: z.string(),
    admin: z.boolean().optional(),
    marked: z.boolean().optional(),
    waitMarked: z.boolean().optional(),
    endMarked: z.boolean().optional(),
    muted: z.boolean().optional(),
  }),
  z.object({
    app: z.literal('Queue'),
    args: z.array(z.string()),
    position: z.number().int().positive().optional(),
    joinedAt: epochMs.optional(),
    priority: z.number().int().optional(),
  }),
  z.object({
    app: z.literal('Park'),
    lot: z.string().min(1),
    space: z.string().min(1),
    /** Options of `Park` without those for announcement, space and timeout. */
    options: z.string(),
    parker: z.string(),
    /** When the parker is called back, epoch ms; null: never. */
    until: epochMs.nullable(),
  }),
  z.object({
    app: z.literal('Playback'),
    file: z.string().min(1),
    /** When it would have begun had it been heard without a break from its beginning, epoch ms. */
    startedAt: epochMs,
    /** The keys of `ControlPlayback` from its second argument on; left out for `Playback`, which heeds none. */
    keys: z.array(z.string()).optional(),
  }),
]);
export type PlaceWork = z.infer<typeof placeWork>;

/** A recording of the dialplan that goes on in a file of its own. */
export const mixMonitorPart = z.object({
  file: z.string().min(1),
  /** All that followed the file: options, and the command to run at the end. */
  options: z.string(),
  /** File of the first part. */
  recording: z.string().min(1),
  part: z.number().int().min(2),
  /** The part before it, on the dead node. */
  from: z.object({ name: z.string().min(1), startedAt: epochMs }),
});
export type MixMonitorPart = z.infer<typeof mixMonitorPart>;

/** What a place in the dialplan carries beyond its location. */
export const placeExtras = {
  work: placeWork.optional(),
  mixMonitors: z.array(mixMonitorPart).optional(),
  /** What of it cannot come back. */
  lost: z.array(notRestored).optional(),
  /** When the node died, epoch ms: what times count from. */
  diedAt: epochMs.optional(),
};
