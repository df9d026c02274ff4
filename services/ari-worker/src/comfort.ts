import { isCoded } from '@reinvite/runtime';
import { membersOf } from './bridge-members.js';
import type { LegContext } from './restore-leg.js';

/**
 * What one hears who is in the bridge of a call and waits for the others to come back. It is played while exactly one is there and
 * somebody may come yet. Never rejects: who hears nothing is back all the same.
 */
export class Comfort {
  private readonly playbackId: string;
  private pending: number;
  /** `maybe`: another worker may have begun. */
  private plays: 'yes' | 'no' | 'maybe';
  private work: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: LegContext,
    private readonly bridgeId: string,
  ) {
    const { command, mayHaveBegun } = context;
    this.playbackId = `${command.commandId}-comfort`;
    this.pending = command.legs.length;
    this.plays = mayHaveBegun ? 'maybe' : 'no';
  }

  /** Looks who is there. */
  look(): void {
    if (this.context.command.comfort !== undefined) this.work = this.work.then(() => this.adapt());
  }

  /** A leg is in the bridge, or will not come. Resolves when what follows from it is done. */
  settled(): Promise<void> {
    this.pending -= 1;
    this.look();
    return this.work;
  }

  private async adapt(): Promise<void> {
    const { bridgeId } = this;
    const { target, log } = this.context;
    try {
      const members = this.pending > 0 ? await membersOf(target, bridgeId) : [];
      if (members.length === 1 && this.pending > 0) await this.play();
      else await this.stop();
    } catch (err) {
      log.info({ err, bridgeId }, 'nothing is played to who waits for the others');
    }
  }

  private async play(): Promise<void> {
    const { command, target } = this.context;
    if (this.plays === 'yes' || command.comfort === undefined) return;
    const { playbackId } = this;
    const mayPlay = this.plays === 'maybe';
    this.plays = 'yes';
    if (mayPlay && (await target.request((ari) => ari.playbacks.find(playbackId))) !== undefined) return;
    const play = { playbackId, media: [command.comfort] };
    await target.request((ari) => ari.bridges.playFrom(this.bridgeId, play));
  }

  private async stop(): Promise<void> {
    if (this.plays === 'no') return;
    try {
      await this.context.target.request((ari) => ari.playbacks.stop(this.playbackId));
    } catch (err) {
      if (!isCoded(err, 'ARI_NOT_FOUND')) throw err;
    }
    this.plays = 'no';
  }
}
