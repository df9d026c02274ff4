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
  type ResumeReason,
} from '@reinvite/domain';
import type { ChannelLife } from '../channel-life.js';
import type { JoinReason } from '../reasons.js';
import type { LegContext } from '../restore-leg.js';
import { Account } from './account.js';
import { musicToOther } from './hold.js';

/** Why what a leg was doing does not come back where it is up and was not joined. */
const UNJOINED: Readonly<Record<JoinReason, ResumeReason>> = {
  LEG_ENDED: 'leg-ended',
  JOIN_TIMEOUT: 'not-joined',
  BRIDGE_REFUSED: 'request-refused',
};

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
    const { leg, account, resume, context } = this;
    if (leg.resume === undefined) return;
    const { channelId } = leg;
    const { holdingRole, variables, recordings = [], dialplan = [] } = resume;
    for (const what of dialplan) this.kept(what);
    if (resume.holds !== undefined && context.command.join.kind === 'dialplan') account.restored('hold');
    if (isJoined && holdingRole !== undefined) account.restored(`role:${holdingRole}`);
    for (const name of Object.keys(variables ?? {})) account.restored(`variable:${name}`);
    if (isJoined) recordings.forEach((one) => account.lost(whatOfRecording(one), 'in-bridge'));
    await goOn(isJoined ? { ...resume, recordings: [] } : resume, account, {
      play: ({ channels }, playback) => channels.playFrom(channelId, playFrom(playback)),
      record: ({ channels }, recording) => channels.record(channelId, recording),
      music: ({ channels }, musicClass) => channels.startMusicOnHold(channelId, musicClass),
    });
    this.tell();
  }

  /** It is up and not in its bridge: what it had from its originate it has, nothing else is done. */
  notJoined(why: JoinReason): void {
    const { leg, resume, account } = this;
    if (leg.resume === undefined) return;
    const { holds, holdingRole, variables = {} } = resume;
    const reason = UNJOINED[why];
    for (const name of Object.keys(variables)) this.kept(`variable:${name}`);
    if (holds !== undefined) account.lost('hold', reason);
    if (holdingRole !== undefined) account.lost(`role:${holdingRole}`, reason);
    for (const what of whatsOf(resume)) account.lost(what, reason);
    this.tell();
  }

  /** The other of a pair hears music while this one's phone holds; its unhold ends it as always. */
  async holdOther(bridgeId: string): Promise<void> {
    const { holds } = this.resume;
    if (holds === undefined) return;
    const { channelId } = this.leg;
    const { musicClass } = holds;
    await this.account.try('hold', (ari) => musicToOther(ari, bridgeId, { channelId, musicClass }));
  }

  private kept(what: string): void {
    if (this.life.isOver) this.account.lost(what, 'leg-ended');
    else this.account.restored(what);
  }

  private tell(): void {
    const { leg, account, context, life } = this;
    if (!life.isOutOfReach) context.facts.legResumed(leg, account.result());
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

/** Says of the bridge of a call that nobody could be joined in that nothing of it goes on. */
export function bridgeNotJoined(why: JoinReason, { command, facts }: LegContext): void {
  const { join, bridgeResume } = command;
  if (join.kind !== 'ari-bridge' || bridgeResume === undefined) return;
  const lost = whatsOf(bridgeResume).map((what) => ({ what, reason: UNJOINED[why] }));
  facts.bridgeResumed(join.bridgeId, {
    restored: [],
    notRestored: [...(bridgeResume.notRestored ?? []), ...lost],
  });
}

/** All that is played and recorded, by its names in the audit. */
function whatsOf({ musicOnHold, playbacks = [], recordings = [] }: BridgeResume): string[] {
  const music = musicOnHold === undefined ? [] : [whatOfMusic(musicOnHold)];
  return [...music, ...playbacks.map(whatOfPlayback), ...recordings.map(whatOfRecording)];
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
