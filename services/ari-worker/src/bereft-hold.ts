import type { BereftResult, TendBereft } from '@reinvite/domain';
import { isCoded, type Logger } from '@reinvite/runtime';
import { membersOf } from './bridge-members.js';
import type { Target } from './target.js';

/** Ends the music on hold of a bridge; none that plays is no error. @throws as `AriBridges.stopMusicOnHold` otherwise. */
export async function stopMusic(target: Pick<Target, 'request'>, bridgeId: string): Promise<void> {
  try {
    await target.request(({ bridges }) => bridges.stopMusicOnHold(bridgeId));
  } catch (err) {
    if (!isCoded(err, 'ARI_NOT_FOUND') && !isCoded(err, 'ARI_CONFLICT')) throw err;
  }
}

/**
 * The music that one hears who is held alone in a bridge. It plays to the bridge, so it ends when somebody else comes, or the one has
 * gone: whoever meets there next would hear it. Watched as long as this process lives; the command that ends the hold comes after it.
 */
export class BereftHold {
  /** What ended it; pending for ever where that is not seen. */
  readonly over: Promise<BereftResult>;
  private settle!: (result: BereftResult) => void;
  private readonly unwatch: () => void;
  private isOver = false;
  private work: Promise<void> = Promise.resolve();

  constructor(
    private readonly command: Pick<TendBereft, 'channelId' | 'targetIncarnation'>,
    private readonly bridgeId: string,
    private readonly target: Target,
    private readonly log: Logger,
  ) {
    this.over = new Promise((resolve) => (this.settle = resolve));
    this.unwatch = target.watchBridge(bridgeId, () => this.look());
    // Somebody may have come before.
    this.look();
  }

  private look(): void {
    this.work = this.work.then(() => this.adapt());
  }

  private async adapt(): Promise<void> {
    const { command, bridgeId, target, log } = this;
    if (this.isOver || target.incarnation === undefined) return;
    if (target.incarnation !== command.targetIncarnation) return this.end();
    try {
      const members = await membersOf(target, bridgeId);
      const isThere = members.includes(command.channelId);
      if (isThere && members.length === 1) return;
      await stopMusic(target, bridgeId);
      this.end();
      this.settle(isThere ? 'not-alone' : 'gone');
    } catch (err) {
      log.info({ err, bridgeId }, 'the music of one who was held alone may play on');
    }
  }

  private end(): void {
    this.isOver = true;
    this.unwatch();
  }
}
