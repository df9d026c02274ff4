import { isCoded } from '@reinvite/runtime';
import { z } from 'zod';
import { playParameters, recordParameters, type Play, type Recording } from './media.js';
import { ariBridge, type AriBridge } from './model.js';
import { nothing, type Caller } from './request.js';

/** A bridge that was asked for by its id; `isNew` false where it was there already. */
export type RequestedBridge = AriBridge & { readonly isNew: boolean };

/** ARI's `/bridges`. Every method rejects with a coded error; see {@link AriConnection}. */
export class AriBridges {
  constructor(private readonly call: Caller) {}

  /** All bridges of the node. */
  list(): Promise<AriBridge[]> {
    return this.call('bridges', 'list', {}, z.array(ariBridge));
  }

  /** @throws CodedError `ARI_NOT_FOUND` */
  get(bridgeId: string): Promise<AriBridge> {
    return this.call('bridges', 'get', { bridgeId }, ariBridge);
  }

  /**
   * Makes a bridge, or finds the one that has this id already. `type` such as `mixing` or `mixing,dtmf_events`.
   * @param timeoutMs default: as for every request.
   */
  async create(bridgeId: string, type = 'mixing', name = '', timeoutMs?: number): Promise<RequestedBridge> {
    const parameters = { bridgeId, type, ...(name === '' ? {} : { name }) };
    try {
      const made = await this.call('bridges', 'createWithId', parameters, ariBridge, timeoutMs);
      return { ...made, isNew: true };
    } catch (error) {
      if (isCoded(error, 'ARI_CONFLICT')) return { ...(await this.get(bridgeId)), isNew: false };
      throw error;
    }
  }

  /**
   * Puts channels into a bridge. One that is in it already does no harm.
   * @param timeoutMs default: as for every request.
   * @param role in a holding bridge: `participant`, `announcer`
   * @throws CodedError `ARI_REQUEST_FAILED` with `details.status` 422 for a channel that is not in Stasis and 400 for one that
   * does not exist; `ARI_NOT_FOUND` for no such bridge; `ARI_CONFLICT` for a channel that is recording.
   */
  addChannels(
    bridgeId: string,
    channelIds: readonly string[],
    timeoutMs?: number,
    role?: string,
  ): Promise<void> {
    const parameters = {
      bridgeId,
      channel: channelIds.join(','),
      ...(role === undefined ? {} : { role }),
    };
    return this.call('bridges', 'addChannel', parameters, nothing, timeoutMs);
  }

  removeChannel(bridgeId: string, channelId: string): Promise<void> {
    return this.call('bridges', 'removeChannel', { bridgeId, channel: channelId }, nothing);
  }

  /** Plays to all in the bridge, under an id of our choice; resolves when it is queued. */
  async playFrom(bridgeId: string, play: Play): Promise<void> {
    await this.call('bridges', 'playWithId', { bridgeId, ...playParameters(play) }, nothing);
  }

  /** Begins to record what all in the bridge say. @throws CodedError `ARI_CONFLICT` where the name is taken. */
  async record(bridgeId: string, recording: Recording): Promise<void> {
    await this.call('bridges', 'record', { bridgeId, ...recordParameters(recording) }, nothing);
  }

  startMusicOnHold(bridgeId: string, mohClass?: string): Promise<void> {
    return this.call('bridges', 'startMoh', { bridgeId, mohClass }, nothing);
  }

  /** Ends what {@link startMusicOnHold} began. @throws CodedError `ARI_CONFLICT` where none plays, `ARI_NOT_FOUND` for no such bridge. */
  stopMusicOnHold(bridgeId: string): Promise<void> {
    return this.call('bridges', 'stopMoh', { bridgeId }, nothing);
  }

  /** The channels in it stay in Stasis. */
  destroy(bridgeId: string): Promise<void> {
    return this.call('bridges', 'destroy', { bridgeId }, nothing);
  }
}
