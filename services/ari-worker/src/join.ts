import type { RestoreCall } from '@reinvite/domain';
import { isCoded, type Logger } from '@reinvite/runtime';
import type { ChannelLife } from './channel-life.js';
import type { JoinReason } from './reasons.js';
import type { Target } from './target.js';

export type AriBridgeJoin = Extract<RestoreCall['join'], { kind: 'ari-bridge' }>;

/** An answered channel is in Stasis within milliseconds; one whose application is gone never is. */
const JOIN_TIMEOUT_MS = 5_000;
/**
 * Asterisk does not tell anybody else when a channel enters an application, so adding it is tried again after a pause that
 * doubles: the first is about as long as the way from `Up` into Stasis takes.
 */
const FIRST_PAUSE_MS = 2;
const MAX_PAUSE_MS = 25;

/** The bridge of one call on its new node. */
export class Bridging {
  private bridge: Promise<boolean> | undefined;

  constructor(
    private readonly join: AriBridgeJoin,
    private readonly target: Target,
    private readonly log: Logger,
  ) {}

  /** Asks for the bridge, so that it is there when the first phone answers. */
  prepare(): void {
    this.bridge ??= this.create();
  }

  /** Adds an answered channel as soon as it is in Stasis: undefined when it is in the bridge, else why it is not. */
  async add(life: ChannelLife): Promise<JoinReason | undefined> {
    const deadline = performance.now() + JOIN_TIMEOUT_MS;
    for (
      let pause = FIRST_PAUSE_MS;
      performance.now() < deadline;
      pause = Math.min(pause * 2, MAX_PAUSE_MS)
    ) {
      if (life.isOver) return 'LEG_ENDED';
      if (!(await this.ready())) return 'BRIDGE_REFUSED';
      if (await this.isAdded(life)) return undefined;
      await life.news(pause);
    }
    return life.isOver ? 'LEG_ENDED' : 'JOIN_TIMEOUT';
  }

  /** Takes the bridge back after a call of which no leg came back. Never rejects. */
  async discard(): Promise<void> {
    if (this.bridge === undefined || !(await this.bridge)) return;
    const { bridgeId } = this.join;
    try {
      await this.target.destroyIfEmpty(bridgeId);
    } catch (err) {
      this.log.warn({ err, bridgeId }, 'cannot remove the empty bridge');
    }
  }

  private ready(): Promise<boolean> {
    this.prepare();
    return this.bridge ?? Promise.resolve(false);
  }

  private async create(): Promise<boolean> {
    const { bridgeId, bridgeType, name } = this.join;
    try {
      await this.target.createBridge(bridgeId, bridgeType, name);
      return true;
    } catch (err) {
      this.log.warn({ err, bridgeId }, 'cannot create the bridge');
      return false;
    }
  }

  private async isAdded(life: ChannelLife): Promise<boolean> {
    try {
      await this.target.addToBridge(this.join.bridgeId, life.channelId);
      return true;
    } catch (err) {
      this.log.debug({ err, channelId: life.channelId }, 'not in the bridge yet');
      if (isCoded(err, 'ARI_NOT_FOUND')) this.bridge = undefined;
      return false;
    }
  }
}
