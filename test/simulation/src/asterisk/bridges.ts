import type { AriBridge, AriChannel, RequestedBridge } from '@reinvite/ari';
import { refused, type EventOf } from './ari.js';

interface SimulatedBridge {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly channelIds: string[];
}

/** The bridges of one life of an Asterisk, as ARI has them. */
export class Bridges {
  private readonly bridges = new Map<string, SimulatedBridge>();

  /** @param onEntered told of each channel that enters a bridge. */
  constructor(
    private readonly tell: (event: EventOf) => void,
    private readonly onEntered: (channelId: string, bridgeId: string) => void,
  ) {}

  /** One that was there before the run looked. */
  seat(id: string, channelIds: string[]): void {
    this.bridges.set(id, { id, type: 'mixing', name: `name-${id}`, channelIds });
    this.tell({ type: 'BridgeCreated', bridge: this.mustHave(id) });
  }

  list(): AriBridge[] {
    return [...this.bridges.keys()].map((id) => this.mustHave(id));
  }

  /** @throws CodedError as `AriBridges.get`. */
  get(id: string): AriBridge {
    const bridge = this.find(id);
    if (bridge === undefined) throw refused('ARI_NOT_FOUND', 404);
    return bridge;
  }

  create(id: string, type: string, name: string): RequestedBridge {
    const isNew = !this.bridges.has(id);
    if (isNew) {
      this.bridges.set(id, { id, type, name, channelIds: [] });
      this.tell({ type: 'BridgeCreated', bridge: this.mustHave(id) });
    }
    return { ...this.mustHave(id), isNew };
  }

  /**
   * @param channel undefined for one that does not exist.
   * @throws CodedError as `AriBridges.addChannels`.
   */
  add(id: string, channel: AriChannel | undefined): void {
    const bridge = this.bridges.get(id);
    if (bridge === undefined) throw refused('ARI_NOT_FOUND', 404);
    if (channel === undefined) throw refused('ARI_REQUEST_FAILED', 400);
    if (channel.dialplan.appName !== 'Stasis') throw refused('ARI_REQUEST_FAILED', 422);
    if (bridge.channelIds.includes(channel.id)) return;
    bridge.channelIds.push(channel.id);
    this.onEntered(channel.id, id);
    this.tell({ type: 'ChannelEnteredBridge', bridge: this.mustHave(id), channel });
  }

  destroy(id: string): void {
    const bridge = this.get(id);
    this.bridges.delete(id);
    this.tell({ type: 'BridgeDestroyed', bridge });
  }

  /** A channel has ended. */
  leave(channel: AriChannel): void {
    for (const { id, channelIds } of this.bridges.values()) {
      const at = channelIds.indexOf(channel.id);
      if (at < 0) continue;
      channelIds.splice(at, 1);
      this.tell({ type: 'ChannelLeftBridge', bridge: this.mustHave(id), channel });
    }
  }

  private find(id: string): AriBridge | undefined {
    const bridge = this.bridges.get(id);
    if (bridge === undefined) return undefined;
    const { type, name, channelIds } = bridge;
    return {
      id,
      technology: 'simple_bridge',
      bridgeType: type,
      bridgeClass: 'stasis',
      creator: 'Stasis',
      name,
      channelIds: [...channelIds],
    };
  }

  private mustHave(id: string): AriBridge {
    const bridge = this.find(id);
    if (bridge === undefined) throw new RangeError(`no bridge ${id}`);
    return bridge;
  }
}
