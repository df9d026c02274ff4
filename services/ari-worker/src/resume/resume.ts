import type { AriConnection } from '@reinvite/ari';
import {
  whatOfMusic,
  whatOfPlayback,
  whatOfRecording,
  type BridgeResume,
  type LegAttempt,
  type LegResume,
  type PlaybackResume,
  type RecordingResume,
} from '@reinvite/domain';
import type { ChannelLife } from '../channel-life.js';
import type { LegContext } from '../restore-leg.js';
import { Account } from './account.js';

/** Two phones: in a larger bridge Asterisk lets nobody hear that one of them holds. */
const PAIR = 2;

/** What is done to a target of one kind. */
interface Doing {
  play(ari: AriConnection, playback: PlaybackResume): Promise<void>;
  record(ari: AriConnection, recording: RecordingResume): Promise<void>;
  music(ari: AriConnection, musicClass: string): Promise<void>;
}

/**
 * Gives an answered leg back what it was doing. None of this fails the recovery: what does not come back is named.
 *
 * 1. {@link beforeJoin} comes before the others hear the leg, {@link afterJoin} when it is where it was.
 * 2. A command that another worker has begun may find things under way: playbacks and recordings are looked for by their names first.
 */
export class LegResuming {
  private readonly account: Account;
  private readonly resume: LegResume;

  constructor(
    private readonly leg: LegAttempt,
    private readonly life: ChannelLife,
    private readonly context: LegContext,
  ) {
    this.resume = leg.resume ?? {};
    this.account = new Account(context, () => life.isOver, this.resume.notRestored);
  }

  /** Nothing that was muted is heard on the way. */
  async beforeJoin(): Promise<void> {
    const { muted } = this.resume;
    const { channelId } = this.leg;
    if (muted !== undefined)
      await this.account.try(`mute:${muted}`, ({ channels }) => channels.mute(channelId, muted));
  }

  /** @param isJoined whether it is in a bridge. */
  async afterJoin(isJoined: boolean): Promise<void> {
    const { leg, account, resume, context, life } = this;
    if (leg.resume === undefined) return;
    const { channelId } = leg;
    const { holdingRole, variables, recordings = [], dialplan = [] } = resume;
    for (const what of dialplan) {
      if (life.isOver) account.lost(what, 'leg-ended');
      else account.restored(what);
    }
    if (resume.holds !== undefined && context.command.join.kind === 'dialplan') account.restored('hold');
    if (isJoined && holdingRole !== undefined) account.restored(`role:${holdingRole}`);
    for (const name of Object.keys(variables ?? {})) account.restored(`variable:${name}`);
    if (isJoined) recordings.forEach((one) => account.lost(whatOfRecording(one), 'in-bridge'));
    await goOn(isJoined ? { ...resume, recordings: [] } : resume, account, {
      play: ({ channels }, playback) => channels.playFrom(channelId, playFrom(playback)),
      record: ({ channels }, recording) => channels.record(channelId, recording),
      music: ({ channels }, musicClass) => channels.startMusicOnHold(channelId, musicClass),
    });
    if (!life.isOutOfReach) context.facts.legResumed(leg, account.result());
  }

  /** The other of a pair hears music while this one's phone holds; its unhold ends it as always. */
  async holdOther(bridgeId: string): Promise<void> {
    const { holds } = this.resume;
    if (holds === undefined) return;
    await this.account.try('hold', async ({ bridges, channels }) => {
      const { channelIds } = await bridges.get(bridgeId);
      const [other] = channelIds.filter((id) => id !== this.leg.channelId);
      if (other === undefined || channelIds.length !== PAIR) return;
      await channels.startMusicOnHold(other, holds.musicClass === '' ? undefined : holds.musicClass);
    });
  }
}

/** Gives the bridge of a call back what was heard and recorded of it, once a leg is in it. */
export async function resumeBridge(context: LegContext): Promise<void> {
  const { join, bridgeResume } = context.command;
  if (join.kind !== 'ari-bridge' || bridgeResume === undefined) return;
  const { bridgeId } = join;
  const account = new Account(context, () => false, bridgeResume.notRestored);
  await goOn(bridgeResume, account, {
    play: ({ bridges }, playback) => bridges.playFrom(bridgeId, playFrom(playback)),
    record: ({ bridges }, recording) => bridges.record(bridgeId, recording),
    music: ({ bridges }, musicClass) => bridges.startMusicOnHold(bridgeId, musicClass),
  });
  context.facts.bridgeResumed(bridgeId, account.result());
}

async function goOn(resume: BridgeResume, account: Account, doing: Doing): Promise<void> {
  const { playbacks = [], recordings = [], musicOnHold } = resume;
  if (musicOnHold !== undefined)
    await account.try(whatOfMusic(musicOnHold), (ari) => doing.music(ari, musicOnHold));
  for (const playback of playbacks)
    await account.try(
      whatOfPlayback(playback),
      (ari) => doing.play(ari, playback),
      async ({ playbacks: all }) => (await all.find(playback.id)) !== undefined,
    );
  for (const recording of recordings)
    await account.try(
      whatOfRecording(recording),
      (ari) => doing.record(ari, recording),
      async ({ recordings: all }) => (await all.findLive(recording.name)) !== undefined,
    );
}

function playFrom({ id, media, language, offsetMs }: PlaybackResume) {
  return { playbackId: id, media, language, offsetMs };
}
