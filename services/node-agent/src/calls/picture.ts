import type { AriBridge, AriChannel, AriEvent } from '@reinvite/ari';
import type { BridgeActivity, BridgeObserved, CallFact, LegActivity, LegObserved } from '@reinvite/domain';
import { AriActivity, type StillGoing, type Target } from '../activity/ari-activity.js';
import { DialplanTrail } from '../activity/dialplan-trail.js';
import type { Answers } from '../activity/variables.js';
import { bridgeFact, legFact } from './leg-fact.js';

/** Some events of a channel come after its end; so many ended ids are remembered, so that none brings it back. */
const REMEMBERED_ENDS = 10_000;

/** All channels and bridges of a node at one moment. */
export interface Snapshot {
  readonly channels: readonly AriChannel[];
  readonly bridges: readonly AriBridge[];
  /** Who dialled a channel, by the id of the dialled one, as far as it is known otherwise than by an event. */
  readonly dialedBy: ReadonlyMap<string, string>;
  /** What of {@link CallPicture.going} still goes on; nothing where it is absent. */
  readonly still?: StillGoing;
  /** {@link CallPicture.wantedVariables} of the channels, by their ids; absent where none were asked for. */
  readonly variables?: ReadonlyMap<string, Answers>;
}

const NOTHING_GOES_ON: StillGoing = { playbacks: new Set(), recordings: new Set() };

/**
 * The legs and bridges of one incarnation as they are now. Pure bookkeeping, told of the time with each event.
 *
 * 1. Each event carries full snapshots of what it is about, so the latest one counts and nothing has to be added up.
 * 2. A fact comes out only where something that Reinvite records has changed.
 * 3. What has ended stays ended, whatever event comes late.
 */
export class CallPicture {
  private readonly legs = new Map<string, LegObserved>();
  private readonly bridges = new Map<string, BridgeObserved>();
  private readonly dialers = new Map<string, string>();
  private readonly ended = new Set<string>();
  private readonly ari: AriActivity;
  private readonly trail = new DialplanTrail();
  /** What others than ARI tell of legs and bridges. */
  private readonly otherLegs = new Map<string, LegActivity>();
  private readonly otherBridges = new Map<string, BridgeActivity>();
  /** Since when somebody tells of music on hold, epoch ms; undefined: nobody does. */
  private musicSince: number | undefined = 0;

  /** @param variables names of the channel variables that are told. */
  constructor(
    private readonly nodeId: string,
    private readonly incarnation: string,
    variables: readonly string[] = [],
  ) {
    this.ari = new AriActivity(variables, (id) => this.ended.has(id));
  }

  get liveLegs(): number {
    return this.legs.size;
  }

  /** Takes an event in. @returns the facts that it makes, in order. */
  apply(event: AriEvent): CallFact[] {
    const target = this.ari.apply(event);
    const facts = this.calls(event);
    return target === undefined ? facts : [...facts, ...this.again(target, event.timestamp)];
  }

  /** What ARI tells to be going on: to be asked for again after events may have been missed. */
  get going(): StillGoing {
    return this.ari.going;
  }

  /** Names of the channel variables that are told. */
  get wantedVariables(): ReadonlySet<string> {
    return this.ari.wanted;
  }

  /** What another source than ARI tells of a leg; it replaces what was told before. Undefined: nothing. @returns the facts that it makes. */
  legActivity(channelId: string, activity: LegActivity | undefined, at: number): CallFact[] {
    if (activity === undefined) this.otherLegs.delete(channelId);
    else if (!this.ended.has(channelId)) this.otherLegs.set(channelId, activity);
    return this.again({ kind: 'leg', id: channelId }, at);
  }

  /** The same of a bridge. */
  bridgeActivity(bridgeId: string, activity: BridgeActivity | undefined, at: number): CallFact[] {
    if (activity === undefined) this.otherBridges.delete(bridgeId);
    else if (!this.ended.has(bridgeId)) this.otherBridges.set(bridgeId, activity);
    return this.again({ kind: 'bridge', id: bridgeId }, at);
  }

  /**
   * Music on hold is told by another source than ARI, of channels that are younger than that listens: of older ones in an ARI
   * application it is `unknown` until something is told of it. Undefined: nobody tells it. @returns the facts that it makes.
   */
  hearsMusicSince(since: number | undefined, at: number): CallFact[] {
    this.musicSince = since;
    return [...this.legs.keys()].flatMap((id) => this.again({ kind: 'leg', id }, at));
  }

  hasLeg(channelId: string): boolean {
    return this.legs.has(channelId);
  }

  private calls(event: AriEvent): CallFact[] {
    const at = event.timestamp;
    if ('channel' in event) this.passes(event.channel, at);
    switch (event.type) {
      case 'ChannelDestroyed':
        return this.legEnds(event.channel.id, event.cause, at);
      case 'BridgeDestroyed':
        return this.bridgeEnds(event.bridge.id, at);
      case 'Dial':
        return this.dials(event.caller, event.peer, at);
      case 'BridgeMerged':
        return [...this.bridge(event.bridge, at), ...this.bridge(event.bridge_from, at)];
      case 'ChannelEnteredBridge':
      case 'ChannelLeftBridge':
        if (event.channel !== undefined)
          this.trail.bridged(event.channel.id, event.type === 'ChannelEnteredBridge', at);
        return [...this.channel(event.channel, at), ...this.bridge(event.bridge, at)];
      case 'BridgeCreated':
        // One that had that id may have ended before: a call is joined anew under the id of its bridge.
        this.ended.delete(event.bridge.id);
        return this.bridge(event.bridge, at);
      default:
        // Whatever it tells: that a channel is in its application by now may be told by its being put on hold, and by nothing else.
        return 'channel' in event ? this.channel(event.channel, at) : [];
    }
  }

  /** Takes in one channel as it was fetched. */
  channel(channel: AriChannel | undefined, at: number): CallFact[] {
    if (channel === undefined || this.ended.has(channel.id)) return [];
    const leg = legFact(channel, this.dialers.get(channel.id) ?? null, this.header(at));
    return leg === undefined ? [] : this.changed(this.legs, channel.id, this.doing(leg));
  }

  /** Begins anew with a snapshot; what it does not have is gone, and what others tell of that has to be told again. */
  replace(snapshot: Snapshot, at: number): void {
    const { channels, bridges, still = NOTHING_GOES_ON, variables = new Map<string, Answers>() } = snapshot;
    this.legs.clear();
    this.bridges.clear();
    for (const [peer, caller] of snapshot.dialedBy) this.dialers.set(peer, caller);
    this.trail.resync(channels);
    this.ari.resync(targetsOf(snapshot), still, variables, at);
    keepOnly(this.otherLegs, channels);
    keepOnly(this.otherBridges, bridges);
    for (const channel of channels) this.channel(channel, at);
    for (const bridge of bridges) this.bridge(bridge, at);
    for (const peer of this.dialers.keys()) if (!this.legs.has(peer)) this.dialers.delete(peer);
  }

  /** Who dialled a channel, where an event has told it. */
  dialerOf(channelId: string): string | undefined {
    return this.dialers.get(channelId);
  }

  /** Every leg and bridge that lives, as facts: legs first. */
  facts(): CallFact[] {
    return [...this.legs.values(), ...this.bridges.values()];
  }

  private dials(caller: AriChannel | undefined, peer: AriChannel, at: number): CallFact[] {
    if (caller !== undefined && !this.ended.has(peer.id)) this.dialers.set(peer.id, caller.id);
    this.passes(caller, at);
    this.passes(peer, at);
    return [...this.channel(caller, at), ...this.channel(peer, at)];
  }

  /** What an event shows of a channel's way; one that has ended has none. */
  private passes(channel: AriChannel | undefined, at: number): void {
    if (channel !== undefined && !this.ended.has(channel.id)) this.trail.seen(channel, at);
  }

  private bridge(bridge: AriBridge, at: number): CallFact[] {
    if (this.ended.has(bridge.id)) return [];
    return this.changed(this.bridges, bridge.id, this.playing(bridgeFact(bridge, this.header(at))));
  }

  /** The fact of a leg or bridge whose activity may have changed. */
  private again({ kind, id }: Target, at: number): CallFact[] {
    if (kind === 'leg') {
      const leg = this.legs.get(id);
      return leg === undefined ? [] : this.changed(this.legs, id, this.doing({ ...leg, at }));
    }
    const bridge = this.bridges.get(id);
    return bridge === undefined ? [] : this.changed(this.bridges, id, this.playing({ ...bridge, at }));
  }

  private doing(leg: LegObserved): LegObserved {
    const told = joined(this.ari.leg(leg.channelId), this.otherLegs.get(leg.channelId));
    const activity = joined(told, this.trail.of(leg.channelId));
    return withActivity(leg, joined(activity, this.unheard(leg, activity)));
  }

  private unheard(
    { stasisApp, createdAt }: LegObserved,
    activity: LegActivity | undefined,
  ): LegActivity | undefined {
    const isHeard = this.musicSince !== undefined && createdAt >= this.musicSince;
    if (isHeard || stasisApp === null || activity?.musicOnHold !== undefined) return undefined;
    return { unknown: ['musicOnHold'] };
  }

  private playing(bridge: BridgeObserved): BridgeObserved {
    const activity = joined(this.ari.bridge(bridge.bridgeId), this.otherBridges.get(bridge.bridgeId));
    return withActivity(bridge, activity);
  }

  private changed<T extends LegObserved | BridgeObserved>(known: Map<string, T>, id: string, now: T): T[] {
    const before = known.get(id);
    known.set(id, now);
    return before !== undefined && same(before, now) ? [] : [now];
  }

  private legEnds(channelId: string, cause: number, at: number): CallFact[] {
    this.remember(channelId);
    this.trail.forget(channelId);
    this.dialers.delete(channelId);
    this.otherLegs.delete(channelId);
    if (!this.legs.delete(channelId)) return [];
    return [{ ...this.header(at), type: 'LegGone', channelId, cause }];
  }

  private bridgeEnds(bridgeId: string, at: number): CallFact[] {
    this.remember(bridgeId);
    this.otherBridges.delete(bridgeId);
    if (!this.bridges.delete(bridgeId)) return [];
    return [{ ...this.header(at), type: 'BridgeGone', bridgeId }];
  }

  private remember(id: string): void {
    this.ended.add(id);
    if (this.ended.size <= REMEMBERED_ENDS) return;
    for (const oldest of this.ended) {
      this.ended.delete(oldest);
      return;
    }
  }

  private header(at: number) {
    return { nodeId: this.nodeId, incarnation: this.incarnation, at };
  }
}

function withActivity<T extends { activity?: unknown }>(fact: T, activity: T['activity']): T {
  const now: T = { ...fact };
  if (activity === undefined) delete now.activity;
  else now.activity = activity;
  return now;
}

/** Sources tell of different things. */
function joined<T extends object>(one: T | undefined, other: T | undefined): T | undefined {
  return one === undefined || other === undefined ? (one ?? other) : { ...one, ...other };
}

function keepOnly(book: Map<string, unknown>, there: readonly { readonly id: string }[]): void {
  const ids = new Set(there.map(({ id }) => id));
  for (const id of book.keys()) if (!ids.has(id)) book.delete(id);
}

function targetsOf({ channels, bridges }: Snapshot): Target[] {
  const legs = channels.filter(({ name }) => name.startsWith('PJSIP/'));
  return [
    ...legs.map(({ id }): Target => ({ kind: 'leg', id })),
    ...bridges.map(({ id }): Target => ({ kind: 'bridge', id })),
  ];
}

function same(a: LegObserved | BridgeObserved, b: LegObserved | BridgeObserved): boolean {
  return JSON.stringify({ ...a, at: 0 }) === JSON.stringify({ ...b, at: 0 });
}
