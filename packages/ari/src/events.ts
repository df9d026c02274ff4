import { z } from 'zod';
import { ariBridge, ariChannel, ariTime } from './model.js';

const common = { timestamp: ariTime, application: z.string().default('') };
const ofChannel = { ...common, channel: ariChannel };
const ofBridge = { ...common, bridge: ariBridge };
/** Absent for a playback, a recording and the like that ended together with its channel. */
const optionalChannel = { ...common, channel: ariChannel.optional() };

const playback = z.object({
  id: z.string().min(1),
  /** `channel:<id>` or `bridge:<id>`. */
  target_uri: z.string(),
  /** What plays now. */
  media_uri: z.string().min(1),
  /** What comes after it, where it is not the last. */
  next_media_uri: z.string().min(1).optional(),
  language: z.string().default(''),
});
const recording = z.object({
  name: z.string().min(1),
  format: z.string().min(1),
  /** `channel:<id>` or `bridge:<id>`. */
  target_uri: z.string().default(''),
});

/** The events that Reinvite knows; all others are left out. `timestamp` is epoch ms. */
export const ariEvent = z.discriminatedUnion('type', [
  z.object({
    ...ofChannel,
    type: z.literal('StasisStart'),
    args: z.array(z.string()),
    replace_channel: ariChannel.optional(),
  }),
  z.object({ ...ofChannel, type: z.literal('StasisEnd') }),
  z.object({ ...ofChannel, type: z.literal('ChannelCreated') }),
  z.object({
    ...ofChannel,
    type: z.literal('ChannelDestroyed'),
    cause: z.number().int(),
    cause_txt: z.string().default(''),
    /** SIP status of the final answer, where the channel was PJSIP and had one. */
    tech_cause: z.number().int().optional(),
  }),
  z.object({ ...ofChannel, type: z.literal('ChannelStateChange') }),
  z.object({
    ...ofChannel,
    type: z.literal('ChannelDialplan'),
    dialplan_app: z.string(),
    dialplan_app_data: z.string(),
  }),
  z.object({ ...ofChannel, type: z.literal('ChannelCallerId') }),
  z.object({ ...ofChannel, type: z.literal('ChannelConnectedLine') }),
  z.object({ ...ofChannel, type: z.literal('ChannelHangupRequest'), cause: z.number().int().optional() }),
  z.object({
    ...ofChannel,
    type: z.literal('ChannelHold'),
    /** Of the music that the other end is to hear; empty where none is named. */
    musicclass: z.string().default(''),
  }),
  z.object({ ...ofChannel, type: z.literal('ChannelUnhold') }),
  z.object({ ...ofChannel, type: z.literal('ChannelDtmfReceived'), digit: z.string() }),
  z.object({ ...optionalChannel, type: z.literal('ChannelVarset'), variable: z.string(), value: z.string() }),
  z.object({
    ...optionalChannel,
    type: z.literal('ChannelUserevent'),
    eventname: z.string(),
    /** What the one who raised it put in. */
    userevent: z.record(z.string(), z.unknown()),
  }),
  z.object({ ...ofBridge, type: z.literal('ChannelEnteredBridge'), channel: ariChannel.optional() }),
  z.object({ ...ofBridge, type: z.literal('ChannelLeftBridge'), channel: ariChannel }),
  z.object({ ...ofBridge, type: z.literal('BridgeCreated') }),
  z.object({ ...ofBridge, type: z.literal('BridgeDestroyed') }),
  z.object({ ...ofBridge, type: z.literal('BridgeMerged'), bridge_from: ariBridge }),
  z.object({
    ...common,
    type: z.literal('Dial'),
    caller: ariChannel.optional(),
    peer: ariChannel,
    dialstring: z.string().default(''),
    /** Empty when the dialling begins; `RINGING`, `PROGRESS`, then `ANSWER`, `BUSY`, `NOANSWER`, … */
    dialstatus: z.string(),
  }),
  /** Each medium of a playback begins. */
  z.object({ ...common, type: z.literal('PlaybackStarted'), playback }),
  /** One has ended, and the next one begins. */
  z.object({ ...common, type: z.literal('PlaybackContinuing'), playback }),
  z.object({ ...common, type: z.literal('PlaybackFinished'), playback }),
  z.object({ ...common, type: z.literal('RecordingStarted'), recording }),
  z.object({ ...common, type: z.literal('RecordingFinished'), recording }),
  z.object({ ...common, type: z.literal('RecordingFailed'), recording }),
  z.object({ ...common, type: z.literal('ApplicationReplaced') }),
]);
export type AriEvent = z.infer<typeof ariEvent>;
export type AriEventType = AriEvent['type'];
/** The event of one type: `AriEventOf<'StasisStart'>`. */
export type AriEventOf<T extends AriEventType> = Extract<AriEvent, { type: T }>;

const known: ReadonlySet<string> = new Set(ariEvent.options.map((option) => option.shape.type.value));

const named = z.object({ type: z.string() });

/** What became of a message of the WebSocket. */
export type EventReading =
  | { readonly kind: 'event'; readonly event: AriEvent }
  | { readonly kind: 'unknown'; readonly type: string }
  | { readonly kind: 'invalid'; readonly type: string; readonly problem: string };

/** Validates one message; never throws. */
export function readEvent(raw: unknown): EventReading {
  const name = named.safeParse(raw);
  if (!name.success) return { kind: 'invalid', type: '', problem: z.prettifyError(name.error) };
  const { type } = name.data;
  if (!known.has(type)) return { kind: 'unknown', type };
  const result = ariEvent.safeParse(raw);
  if (!result.success) return { kind: 'invalid', type, problem: z.prettifyError(result.error) };
  return { kind: 'event', event: result.data };
}
