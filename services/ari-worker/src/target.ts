import type { AriConnection, AriEvent, HangupReason, Originate } from '@reinvite/ari';
import { isCoded, type Logger } from '@reinvite/runtime';
import PQueue from 'p-queue';
import { ChannelLife } from './channel-life.js';

/** How long a connection that went away may stay away before its channels are left to whoever reaches the node. */
const LOST_AFTER_MS = 2_000;
/** A request whose answer got lost may still be under way when the channel is looked for. */
const LOOK_AGAIN_MS = 300;
/**
 * What is not answered by then went astray on a connection that nobody knows is broken, and is asked anew while two people are on
 * the line: a bridge that is there is kept, and a channel that is in it already does no harm.
 */
const JOIN_REQUEST_MS = 1_500;

/** Bridging goes before originating: two people already on the line hear nothing until they are joined. */
const PRIORITY = { originate: 0, bridge: 1 } as const;

interface Followed {
  readonly life: ChannelLife;
  readonly incarnation: string;
  /** An originate may have reached Asterisk: from then on the channel's absence means something. */
  requested: boolean;
  /** That originate is not answered yet: whoever made it looks for the channel when it fails. */
  asking: boolean;
  /** The last look at it failed: nothing is known of it, though the connection may be up. */
  unseen: boolean;
}

/** What a look at a channel showed; `failed`: Asterisk could not be asked. */
export type Look = 'seen' | 'absent' | 'failed';

export interface TargetOptions {
  readonly nodeId: string;
  readonly ari: AriConnection;
  /** Requests in flight. */
  readonly concurrency: number;
  readonly log: Logger;
}

/** One Asterisk as a target of originates: its request queue, and the channels of ours that are followed on it. */
export class Target {
  readonly nodeId: string;
  private readonly followed = new Map<string, Followed>();
  private readonly queue: PQueue;
  /** Bridges whose request is in the queue. */
  private readonly asking = new Set<string>();
  /** Who wants to know when something happens to a bridge, by its id. */
  private readonly watched = new Map<string, Set<() => void>>();
  private givingUp: NodeJS.Timeout | undefined;

  constructor(private readonly options: TargetOptions) {
    const { ari, nodeId, concurrency } = options;
    this.nodeId = nodeId;
    this.queue = new PQueue({ concurrency });
    ari.on('event', (event) => this.deliver(event));
    ari.on('up', ({ incarnation }) => {
      this.stopWaiting();
      this.reconcile(incarnation);
      this.watched.forEach((watchers) => watchers.forEach((tell) => tell()));
    });
    ari.on('down', () => this.waitForReturn());
  }

  /** The life of Asterisk that is connected now. */
  get incarnation(): string | undefined {
    return this.options.ari.info?.incarnation;
  }

  /** Whether that life is connected; a connection that is just away is waited for, `waitMs` at most. */
  async hasLife(incarnation: string, waitMs: number): Promise<boolean> {
    if (this.incarnation === undefined && waitMs > 0) await this.nextUp(waitMs);
    return this.incarnation === incarnation;
  }

  /** Follows a channel that is going to be, or may already be; to be released when nobody is interested any more. */
  follow(channelId: string, incarnation: string): ChannelLife {
    const life = new ChannelLife(channelId);
    this.followed.set(channelId, { life, incarnation, requested: false, asking: false, unseen: false });
    return life;
  }

  release(life: ChannelLife): void {
    if (this.followed.get(life.channelId)?.life === life) this.followed.delete(life.channelId);
  }

  /**
   * Sends an originate when its turn has come and `stillWanted`, asked last of all, agrees.
   * @returns false where it was not wanted any more.
   * @throws CodedError of `AriChannels.originate`
   */
  originate(request: Originate, stillWanted: () => boolean): Promise<boolean> {
    return this.queue.add(
      async () => {
        if (!stillWanted()) return false;
        const followed = this.followed.get(request.channelId);
        if (followed !== undefined) Object.assign(followed, { requested: true, asking: true });
        try {
          await this.options.ari.channels.originate(request);
          return true;
        } finally {
          if (followed !== undefined) followed.asking = false;
        }
      },
      { priority: PRIORITY.originate },
    );
  }

  /**
   * Makes the bridge; one of this id that exists is kept. It goes behind the originates, unless it is {@link hurry | hurried}.
   * @returns whether it was made.
   */
  createBridge(bridgeId: string, type: string, name: string): Promise<boolean> {
    this.asking.add(bridgeId);
    return this.queue.add(
      async () => {
        this.asking.delete(bridgeId);
        return (await this.options.ari.bridges.create(bridgeId, type, name, JOIN_REQUEST_MS)).isNew;
      },
      { id: bridgeId, priority: PRIORITY.originate },
    );
  }

  /** Somebody on the line waits for the bridge: where it is still to be asked for, that goes first. */
  hurry(bridgeId: string): void {
    if (this.asking.has(bridgeId)) this.queue.setPriority(bridgeId, PRIORITY.bridge);
  }

  /** @param role in a holding bridge. */
  addToBridge(bridgeId: string, channelId: string, role?: string): Promise<void> {
    return this.queue.add(
      () => this.options.ari.bridges.addChannels(bridgeId, [channelId], JOIN_REQUEST_MS, role),
      {
        priority: PRIORITY.bridge,
      },
    );
  }

  /** A request of what follows an answer, in its turn. */
  request<T>(work: (ari: AriConnection) => Promise<T>): Promise<T> {
    return this.queue.add(() => work(this.options.ari), { priority: PRIORITY.originate });
  }

  /** Removes a bridge that nobody is in; one that does not exist is no error. */
  async destroyIfEmpty(bridgeId: string): Promise<void> {
    const { bridges } = this.options.ari;
    await this.queue.add(async () => {
      try {
        const { channelIds } = await bridges.get(bridgeId);
        if (channelIds.length === 0) await bridges.destroy(bridgeId);
      } catch (err) {
        if (!isCoded(err, 'ARI_NOT_FOUND')) throw err;
      }
    });
  }

  /**
   * Tells of whatever happens to a bridge, and when the connection is back: something may have happened meanwhile.
   * @returns what ends it.
   */
  watchBridge(bridgeId: string, tell: () => void): () => void {
    const watchers = this.watched.get(bridgeId) ?? new Set();
    this.watched.set(bridgeId, watchers.add(tell));
    return () => {
      watchers.delete(tell);
      if (watchers.size === 0) this.watched.delete(bridgeId);
    };
  }

  /** @throws CodedError `ARI_NOT_FOUND` where it has ended already. */
  hangup(channelId: string, reason: HangupReason = 'no_answer'): Promise<void> {
    return this.options.ari.channels.hangup(channelId, reason);
  }

  /**
   * Looks whether a channel that may have been requested exists, and tells its life. While Asterisk cannot be asked the look
   * is made when the connection is back, and the channel is lost where it does not come back.
   * @returns whether it was seen.
   */
  async look(life: ChannelLife): Promise<boolean> {
    const followed = this.followed.get(life.channelId);
    if (followed !== undefined) followed.requested = true;
    if (
      followed !== undefined &&
      this.incarnation !== undefined &&
      followed.incarnation !== this.incarnation
    ) {
      life.lose('TARGET_LOST');
      return false;
    }
    return (await this.sees(life)) === 'seen' || this.lookLater(life);
  }

  /** Looks once for a channel that may have been requested; its life is told where it is there. Never rejects. */
  async sees(life: ChannelLife): Promise<Look> {
    const shown = await this.ask(life);
    const followed = this.followed.get(life.channelId);
    if (followed !== undefined) {
      followed.unseen = shown === 'failed';
      followed.requested ||= shown === 'seen';
    }
    return shown;
  }

  private async lookLater(life: ChannelLife): Promise<boolean> {
    await life.news(LOOK_AGAIN_MS);
    if (life.isOver || life.isSettled) return true;
    const shown = await this.sees(life);
    if (shown === 'absent') life.lose('OUTCOME_UNKNOWN');
    if (shown === 'failed') this.waitForReturn();
    return shown === 'seen';
  }

  private async ask(life: ChannelLife): Promise<Look> {
    if (this.incarnation === undefined) return 'failed';
    try {
      const channel = await this.options.ari.channels.find(life.channelId);
      if (channel === undefined) return 'absent';
      life.onSeen(channel);
      return 'seen';
    } catch (err) {
      this.options.log.warn({ err, channelId: life.channelId }, 'cannot look at a channel');
      return 'failed';
    }
  }

  private deliver(event: AriEvent): void {
    if ('bridge' in event) this.watched.get(event.bridge.id)?.forEach((tell) => tell());
    if (!('channel' in event) || event.channel === undefined) return;
    this.followed.get(event.channel.id)?.life.onEvent(event);
  }

  /** The connection is back: channels of an earlier life are lost, those of this one may have changed meanwhile. */
  private reconcile(incarnation: string): void {
    for (const followed of this.followed.values()) {
      if (followed.incarnation !== incarnation) followed.life.lose('TARGET_LOST');
      else if (followed.requested)
        // While its originate has no answer yet its absence means nothing.
        void (followed.asking ? this.sees(followed.life) : this.look(followed.life));
    }
  }

  /** Also where the connection is up and answers no more: it may not have noticed yet that it is gone. */
  private waitForReturn(): void {
    this.givingUp ??= setTimeout(() => this.giveUp(), LOST_AFTER_MS);
  }

  private stopWaiting(): void {
    clearTimeout(this.givingUp);
    this.givingUp = undefined;
  }

  private giveUp(): void {
    this.stopWaiting();
    const isAway = this.incarnation === undefined;
    for (const { life, requested, unseen } of this.followed.values())
      if (requested && (isAway || unseen)) life.lose('CONNECTION_LOST');
  }

  private nextUp(waitMs: number): Promise<void> {
    const { ari } = this.options;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        ari.off('up', done);
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      ari.once('up', done);
    });
  }
}
