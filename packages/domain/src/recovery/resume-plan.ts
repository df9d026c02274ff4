import type { BridgeActivity, LegActivity, MutedActivity, PlaybackActivity } from '../activity.js';
import type { Call, CallJoin, CallLeg, LegPlace } from '../call/call.js';
import type {
  BridgeResume,
  LegResume,
  NotRestored,
  PlaybackResume,
  RecordingResume,
  ResumePolicy,
  ResumeReason,
} from '../resume.js';
import { restoredByDialplan } from './place-variables.js';

export interface ResumeGrounds {
  readonly policy: ResumePolicy;
  /** Whether the application keeps its state with us. */
  readonly hasFlow: boolean;
  /** When the node died, epoch ms. */
  readonly diedAt: number;
}

export interface LegGrounds extends ResumeGrounds {
  /** How the legs of its call were joined. */
  readonly join: CallJoin['kind'];
  /** What its re-INVITE is made of: `a=held:` of the streams says who holds. */
  readonly dialog: Readonly<Record<string, string>>;
}

/**
 * What a leg goes on with; undefined where there is nothing to be said. ARI's doings come back in an ARI application alone; what the
 * dialplan was doing comes back with its place there.
 */
export function resumeOfLeg(
  { record, place, resumed }: Pick<CallLeg, 'record' | 'place' | 'resumed'>,
  grounds: LegGrounds,
): LegResume | undefined {
  const { activity } = record;
  if (place.kind !== 'stasis') return resumeInDialplan({ record, place }, resumed?.resume, grounds);
  // The node died before the worker was through: nothing of it was heard, or too little for it to matter.
  if (resumed?.told === false) return resumed.resume;
  if (activity === undefined) return undefined;
  const variables = activity.variables === undefined ? {} : { variables: activity.variables };
  const { holdingRole, mixMonitors = [] } = activity;
  const muted = directionOf(activity.muted);
  const comes = muted === undefined ? null : refusalOf(grounds.policy.mute, grounds);
  const said = muted === undefined || comes === null ? [] : [because(`mute:${muted}`, comes)];
  const { notRestored: heardNot = [], ...heard } = heardAgain(activity, resumed?.resume, grounds);
  const { holds, lost: holdLost } = holdOf(activity, grounds);
  const notRestored = [
    ...heardNot,
    ...said,
    ...mixMonitors.map(({ file }) => because(`recording:${file}`, 'not-supported')),
    ...holdLost,
    ...untold(activity, grounds),
  ];
  return orNothing({
    ...heard,
    ...(muted === undefined || comes !== null ? {} : { muted }),
    ...(holdingRole === undefined ? {} : { holdingRole }),
    ...(holds === undefined ? {} : { holds }),
    ...variables,
    ...(notRestored.length === 0 ? {} : { notRestored }),
  });
}

/** The dialplan brings back by itself what ran at the place; what it cannot is named. */
function resumeInDialplan(
  { record, place }: Pick<CallLeg, 'record' | 'place'>,
  before: LegResume | undefined,
  grounds: LegGrounds,
): LegResume | undefined {
  const { activity = {} } = record;
  const { variables } = record.activity ?? before ?? {};
  const dialplan = restoredByDialplan(place);
  const { holds, lost: holdLost } = holdOf(activity, grounds);
  const notRestored = [
    ...('lost' in place ? (place.lost ?? []) : []),
    ...musicBefore(record, place),
    ...recordingsUnseen(activity, place),
    ...holdLost,
    ...untold(activity, grounds),
  ];
  return orNothing({
    ...(variables === undefined ? {} : { variables }),
    ...(holds === undefined ? {} : { holds }),
    ...(dialplan.length === 0 ? {} : { dialplan }),
    ...(notRestored.length === 0 ? {} : { notRestored }),
  });
}

/** Applications that have music of their own, and so again when they are executed again. */
const HAVE_MUSIC =
  /^(MusicOnHold|BridgeWait|Dial|RetryDial|FollowMe|WaitExten|MeetMe|Agent(Login|Request)|(E|Dead)?AGI)$/;

/** Music that the dialplan had started before it came to its place, and lets play on there. */
function musicBefore({ activity, dialplan }: CallLeg['record'], place: LegPlace): NotRestored[] {
  const isSimple = place.kind === 'dialplan' && place.work === undefined;
  if (activity?.musicOnHold === undefined || !isSimple || HAVE_MUSIC.test(dialplan.appName)) return [];
  return [because(whatOfMusic(activity.musicOnHold), 'not-supported')];
}

/** A recording that the dialplan begins is seen when it does, and told by nothing later. */
function recordingsUnseen({ unseenBefore, mixMonitors }: LegActivity, place: LegPlace): NotRestored[] {
  const mayRecord = place.kind === 'dialplan' || place.kind === 'dial-caller';
  if (unseenBefore === undefined || mixMonitors !== undefined || !mayRecord) return [];
  return [because('recording', 'activity-unseen')];
}

/** Of a hold that nobody saw begin its dialog tells too, though not which music the phone asked for. */
function holdOf(
  { held, unseenBefore }: LegActivity,
  { join, dialog }: LegGrounds,
): Pick<LegResume, 'holds'> & { readonly lost: readonly NotRestored[] } {
  if (held !== undefined) return { holds: { musicClass: held.musicClass }, lost: [] };
  // Only for others to hear.
  if (unseenBefore === undefined || join === 'none') return { lost: [] };
  const streams = dialog['PJSIP_RECOVERY_SDP_STREAMS'];
  if (streams === undefined) return { lost: [because('hold', 'activity-unseen')] };
  return streams.split('|').includes('a=held:remote')
    ? { holds: { musicClass: '' }, lost: [] }
    : { lost: [] };
}

/** Fields of an activity by the names that the audit has for them. */
const WHAT_OF_FIELD: Readonly<Record<string, string>> = { musicOnHold: 'music-on-hold' };

/**
 * What nobody could tell. Music on hold is heard by who is alone and is played nothing else: of others it is not said, for without
 * AMI it would be said of every call.
 */
function untold({ unknown = [], playbacks }: LegActivity, grounds: LegGrounds): NotRestored[] {
  const mayHaveMusic =
    grounds.join === 'none' &&
    playbacks === undefined &&
    refusalOf(grounds.policy.musicOnHold, grounds) === null;
  return unknown
    .filter((field) => field !== 'musicOnHold' || mayHaveMusic)
    .map((field) => because(WHAT_OF_FIELD[field] ?? field, 'activity-unknown'));
}

/** What the bridge of a call goes on with; undefined where there is nothing to be said. */
export function resumeOfBridge(call: Call, grounds: ResumeGrounds): BridgeResume | undefined {
  const { join, bridgeActivity, bridgeResumed } = call;
  if (join.kind !== 'ari-bridge') return undefined;
  if (bridgeResumed?.told === false) return bridgeResumed.resume;
  return bridgeActivity === undefined
    ? undefined
    : orNothing(heardAgain(bridgeActivity, bridgeResumed?.resume, grounds));
}

function heardAgain(
  activity: LegActivity | BridgeActivity,
  before: BridgeResume | undefined,
  grounds: ResumeGrounds,
): BridgeResume {
  const { policy, diedAt } = grounds;
  const { musicOnHold, unseenBefore } = activity;
  const notRestored: NotRestored[] = [];
  const allowed = <T>(
    when: ResumePolicy[keyof ResumePolicy],
    ones: readonly T[] = [],
    name: (one: T) => string,
  ): T[] => {
    const refusal = refusalOf(when, grounds);
    if (refusal === null) return [...ones];
    notRestored.push(...ones.map((one) => because(name(one), refusal)));
    return [];
  };
  const playbacks = allowed(policy.playback, activity.playbacks, whatOfPlayback).map((playback) =>
    playbackAgain(playback, before?.playbacks, diedAt),
  );
  const recordings = allowed(policy.recording, activity.recordings, whatOfRecording).map(
    ({ name, format, startedAt }) => recordingAgain({ name, format, startedAt }, before?.recordings),
  );
  const [music] = allowed(policy.musicOnHold, musicOnHold === undefined ? [] : [musicOnHold], whatOfMusic);
  if (unseenBefore !== undefined) notRestored.push(because('playback or recording', 'activity-unseen'));
  return {
    ...(playbacks.length === 0 ? {} : { playbacks }),
    ...(recordings.length === 0 ? {} : { recordings }),
    ...(music === undefined ? {} : { musicOnHold: music }),
    ...(notRestored.length === 0 ? {} : { notRestored }),
  };
}

/** One that we have begun ourselves did not begin at its beginning. */
function playbackAgain(
  { id, media, language, startedAt }: PlaybackActivity,
  before: readonly PlaybackResume[] = [],
  diedAt: number,
): PlaybackResume {
  const same = before.find((one) => one.id === id && one.media.join() === media.join());
  const offsetMs = Math.max(0, diedAt - startedAt) + (same?.offsetMs ?? 0);
  return { id, media, language, offsetMs };
}

function recordingAgain(
  { name, format, startedAt }: { name: string; format: string; startedAt: number },
  before: readonly RecordingResume[] = [],
): RecordingResume {
  const known = before.find((one) => one.name === name);
  const recording = known?.recording ?? name;
  const part = (known?.part ?? 1) + 1;
  return { name: `${recording}-${part}`, format, recording, part, from: { name, startedAt } };
}

function directionOf(muted: MutedActivity | undefined): LegResume['muted'] {
  if (muted === undefined || (!muted.in && !muted.out)) return undefined;
  if (muted.in && muted.out) return 'both';
  return muted.in ? 'in' : 'out';
}

function refusalOf(when: ResumePolicy[keyof ResumePolicy], { hasFlow }: ResumeGrounds): ResumeReason | null {
  if (when === 'never') return 'policy-forbids';
  return when === 'unless-flow' && hasFlow ? 'application-in-charge' : null;
}

/** How what comes back, or does not, is named in the audit. */
export const whatOfPlayback = ({ media }: Pick<PlaybackResume, 'media'>): string =>
  `playback:${media.join(',')}`;
export const whatOfRecording = ({ name }: { readonly name: string }): string => `recording:${name}`;
export const whatOfMusic = (musicClass: string): string => `music-on-hold:${musicClass}`;

function because(what: string, reason: ResumeReason): NotRestored {
  return { what, reason };
}

function orNothing<T extends object>(resume: T): T | undefined {
  return Object.keys(resume).length === 0 ? undefined : resume;
}
