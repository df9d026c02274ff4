import type { RestoreCall } from '@reinvite/domain';
import { codedError, isCoded, type Logger } from '@reinvite/runtime';
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

/** `found`: it was there. `unknown`: no answer came; to be asked for again. */
type Made = 'made' | 'found' | 'refused' | 'unknown';

/** The bridge of one call on its new node. */
export class Bridging {
  private bridge: Promise<Made> | undefined;

  constructor(
    private readonly join: AriBridgeJoin,
    private readonly target: Target,
    private readonly log: Logger,
  ) {}

  /** Asks for the bridge, so that it is there when the first phone answers. */
  prepare(): void {
    this.bridge ??= this.create();
  }

  /**
   * Adds an answered channel as soon as it is in Stasis: undefined when it is in the bridge, else why it is not.
   * @param role in a holding bridge.
   * @throws CodedError `ARI_UNREACHABLE` where this process has lost the node first: another worker may reach it.
   */
  async add(life: ChannelLife, role?: string): Promise<JoinReason | undefined> {
    const deadline = performance.now() + JOIN_TIMEOUT_MS;
    for (
      let pause = FIRST_PAUSE_MS;
      performance.now() < deadline;
      pause = Math.min(pause * 2, MAX_PAUSE_MS)
    ) {
      if (life.isOver) return ended(life);
      const made = await this.made();
      if (made === 'refused') return 'BRIDGE_REFUSED';
      if (made !== 'unknown' && (await this.isAdded(life, role))) return undefined;
      await life.news(pause);
    }
    return life.isOver ? ended(life) : 'JOIN_TIMEOUT';
  }

  /**
   * Takes the bridge back after a call of which no leg came back. Never rejects. One that was found, be it after a request of ours
   * went astray, may be the application's or another recovery's, and stays.
   */
  async discard(): Promise<void> {
    if ((await this.bridge) !== 'made') return;
    const { bridgeId } = this.join;
    try {
      await this.target.destroyIfEmpty(bridgeId);
    } catch (err) {
      this.log.warn({ err, bridgeId }, 'cannot remove the empty bridge');
    }
  }

  private async made(): Promise<Made> {
    this.prepare();
    this.target.hurry(this.join.bridgeId);
    return (await this.bridge) ?? 'unknown';
  }

  private async create(): Promise<Made> {
    const { bridgeId, bridgeType, name } = this.join;
    try {
      return (await this.target.createBridge(bridgeId, bridgeType, name)) ? 'made' : 'found';
    } catch (err) {
      if (isCoded(err, 'ARI_UNREACHABLE')) {
        this.log.debug({ err, bridgeId }, 'the bridge is asked for again');
        this.bridge = undefined;
        return 'unknown';
      }
      this.log.warn({ err, bridgeId }, 'cannot create the bridge');
      return 'refused';
    }
  }

  private async isAdded(life: ChannelLife, role: string | undefined): Promise<boolean> {
    try {
      await this.target.addToBridge(this.join.bridgeId, life.channelId, role);
      return true;
    } catch (err) {
      this.log.debug({ err, channelId: life.channelId }, 'not in the bridge yet');
      if (isCoded(err, 'ARI_NOT_FOUND')) this.bridge = undefined;
      return false;
    }
  }
}

function ended(life: ChannelLife): JoinReason {
  if (!life.isOutOfReach) return 'LEG_ENDED';
  throw codedError('ARI_UNREACHABLE', `out of reach while ${life.channelId} was not joined yet`, {
    maybeSent: true,
  });
}
