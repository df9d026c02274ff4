import type { RestoreCall } from '@reinvite/domain';
import { isCoded, type Logger } from '@reinvite/runtime';
import { membersOf } from './bridge-members.js';
import type { Target } from './target.js';

/**
 * What one hears who is in the bridge of a call and waits for the others to come back. It is played while exactly one is there and
 * somebody may come yet. Never rejects: who hears nothing is back all the same.
 */
export class Comfort {
  private readonly playbackId: string;
  private pending: number;
  private isPlaying = false;
  private work: Promise<void> = Promise.resolve();

  constructor(
    private readonly command: Pick<RestoreCall, 'commandId' | 'legs' | 'comfort'>,
    private readonly bridgeId: string,
    private readonly target: Target,
    private readonly log: Logger,
  ) {
    this.playbackId = `${command.commandId}-comfort`;
    this.pending = command.legs.length;
  }

  /** Looks who is there. */
  look(): void {
    if (this.command.comfort !== undefined) this.work = this.work.then(() => this.adapt());
  }

  /** A leg is in the bridge, or will not come. Resolves when what follows from it is done. */
  settled(): Promise<void> {
    this.pending -= 1;
    this.look();
    return this.work;
  }

  private async adapt(): Promise<void> {
    const { bridgeId, log } = this;
    try {
      const members = this.pending > 0 ? await membersOf(this.target, bridgeId) : [];
      if (members.length === 1 && this.pending > 0) await this.play();
      else await this.stop();
    } catch (err) {
      log.info({ err, bridgeId }, 'nothing is played to who waits for the others');
    }
  }

  private async play(): Promise<void> {
    if (this.isPlaying || this.command.comfort === undefined) return;
    this.isPlaying = true;
    const { playbackId } = this;
    // Another worker may have begun.
    if ((await this.target.request((ari) => ari.playbacks.find(playbackId))) !== undefined) return;
    const play = { playbackId, media: [this.command.comfort] };
    await this.target.request((ari) => ari.bridges.playFrom(this.bridgeId, play));
  }

  private async stop(): Promise<void> {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    try {
      await this.target.request((ari) => ari.playbacks.stop(this.playbackId));
    } catch (err) {
      if (!isCoded(err, 'ARI_NOT_FOUND')) throw err;
    }
  }
}
