import { EventEmitter } from 'node:events';
import type { AriConnection, AsteriskInfo, Originate } from '@reinvite/ari';
import { codedError, type CodedError } from '@reinvite/runtime';

export const INCARNATION = '1700000000000';

/** What becomes of an originate: the phone's answer is up to the test. */
export type OriginateScript = (request: Originate) => unknown;

/** An Asterisk at the level of ARI: channels and bridges in memory, scripted answers, events on demand. */
export class FakeAsterisk extends EventEmitter {
  info: AsteriskInfo | undefined = infoOf(INCARNATION);
  readonly requests: string[] = [];
  readonly originated: Originate[] = [];
  readonly live = new Map<string, { state: string; appName: string }>();
  readonly bridged = new Map<string, string[]>();
  /** Bridges to which music on hold plays. */
  readonly music = new Set<string>();
  /** Channel variables, by `<channel> <name>`. */
  readonly variables = new Map<string, string>();
  /** Where all channels are in the dialplan. */
  context = '';
  onOriginate: OriginateScript = () => undefined;
  /** A channel is in Stasis only after so many tries to add it. */
  refusalsBeforeStasis = 0;
  /** So many of the next requests of bridges get no answer, and do nothing. */
  astray = 0;

  get connection(): AriConnection {
    return this as unknown as AriConnection;
  }

  readonly channels = {
    originate: async (request: Originate): Promise<object> => {
      this.requests.push(`originate ${request.channelId}`);
      this.mustBeUp(false);
      if (this.live.has(request.channelId)) throw codedError('ARI_CONFLICT', 'exists', { status: 409 });
      this.originated.push(request);
      this.live.set(request.channelId, { state: 'Down', appName: '' });
      await this.onOriginate(request);
      return {};
    },
    find: async (channelId: string): Promise<object | undefined> => {
      this.requests.push(`find ${channelId}`);
      this.mustBeUp(false);
      return this.live.has(channelId) ? this.snapshot(channelId) : undefined;
    },
    hangup: async (channelId: string): Promise<void> => {
      this.requests.push(`hangup ${channelId}`);
      this.destroy(channelId, 19);
    },
    move: async (channelId: string, app: string, args: readonly string[]): Promise<void> => {
      this.requests.push(`move ${channelId} ${app} ${args.join(',')}`);
    },
    continueInDialplan: async (channelId: string): Promise<void> => {
      this.requests.push(`continue ${channelId}`);
      if (this.live.get(channelId)?.appName !== 'Stasis')
        throw codedError('ARI_CONFLICT', 'Channel not in Stasis application', { status: 409 });
      this.live.set(channelId, { state: 'Up', appName: '' });
    },
    startMusicOnHold: async (channelId: string, musicClass = ''): Promise<void> => {
      this.requests.push(`moh ${channelId} ${musicClass}`);
    },
    getVariable: async (channelId: string, name: string): Promise<string> => {
      const value = this.variables.get(`${channelId} ${name}`);
      if (value === undefined) throw codedError('ARI_NOT_FOUND', 'not set', { status: 404 });
      return value;
    },
    setVariable: async (channelId: string, name: string, value: string): Promise<void> => {
      this.variables.set(`${channelId} ${name}`, value);
    },
  };

  readonly bridges = {
    create: async (bridgeId: string): Promise<object> => {
      this.requests.push(`bridge ${bridgeId}`);
      this.mustBeUp(false);
      this.mustArrive();
      const isNew = !this.bridged.has(bridgeId);
      if (isNew) this.bridged.set(bridgeId, []);
      return { isNew };
    },
    get: async (bridgeId: string): Promise<{ channelIds: readonly string[] }> => {
      const channelIds = this.bridged.get(bridgeId);
      if (channelIds === undefined) throw codedError('ARI_NOT_FOUND', 'no such bridge', { status: 404 });
      return { channelIds };
    },
    startMusicOnHold: async (bridgeId: string, mohClass: string): Promise<void> => {
      this.requests.push(`moh ${bridgeId} ${mohClass}`);
      this.music.add(bridgeId);
    },
    stopMusicOnHold: async (bridgeId: string): Promise<void> => {
      this.requests.push(`no-moh ${bridgeId}`);
      if (!this.music.delete(bridgeId)) throw codedError('ARI_CONFLICT', 'no music', { status: 409 });
    },
    playFrom: async (bridgeId: string, { media }: { media: readonly string[] }): Promise<void> => {
      this.requests.push(`play ${bridgeId} ${media.join(',')}`);
    },
    removeChannel: async (bridgeId: string, channelId: string): Promise<void> => {
      this.requests.push(`remove ${channelId}`);
      this.leave(bridgeId, channelId);
    },
    destroy: async (bridgeId: string): Promise<void> => {
      this.requests.push(`destroy ${bridgeId}`);
      this.bridged.delete(bridgeId);
    },
    addChannels: async (bridgeId: string, channelIds: readonly string[]): Promise<void> => {
      const [channelId = ''] = channelIds;
      this.requests.push(`add ${channelId}`);
      this.mustArrive();
      const inStasis = this.live.get(channelId)?.appName === 'Stasis';
      if (!inStasis || this.refusalsBeforeStasis > 0) {
        this.refusalsBeforeStasis -= 1;
        throw codedError('ARI_REQUEST_FAILED', 'Channel not in Stasis application', { status: 422 });
      }
      this.enter(bridgeId, channelId);
    },
  };

  readonly playbacks = {
    find: async (): Promise<undefined> => undefined,
    stop: async (playbackId: string): Promise<void> => {
      this.requests.push(`stop ${playbackId}`);
    },
  };

  /** The phone answers 200: the channel is up and its dialplan goes on. */
  answer(channelId: string, { stasis = true } = {}): void {
    this.live.set(channelId, { state: 'Up', appName: '' });
    this.tell({ type: 'ChannelStateChange', channel: this.snapshot(channelId) });
    if (stasis) this.enterStasis(channelId);
  }

  enterStasis(channelId: string): void {
    this.live.set(channelId, { state: 'Up', appName: 'Stasis' });
    this.tell({
      type: 'ChannelDialplan',
      channel: this.snapshot(channelId),
      dialplan_app: 'Stasis',
      dialplan_app_data: '',
    });
  }

  /** Whoever brings it: it is in the bridge. */
  enter(bridgeId: string, channelId: string): void {
    const channelIds = this.bridged.get(bridgeId);
    if (channelIds === undefined || channelIds.includes(channelId)) return;
    channelIds.push(channelId);
    this.tell({ type: 'ChannelEnteredBridge', bridge: { id: bridgeId } });
  }

  leave(bridgeId: string, channelId: string): void {
    this.bridged.set(bridgeId, this.bridged.get(bridgeId)?.filter((id) => id !== channelId) ?? []);
    this.tell({ type: 'ChannelLeftBridge', bridge: { id: bridgeId }, channel: this.snapshot(channelId) });
  }

  destroy(channelId: string, cause: number, sipStatus?: number): void {
    const channel = this.snapshot(channelId);
    this.live.delete(channelId);
    this.tell({
      type: 'ChannelDestroyed',
      channel,
      cause,
      cause_txt: '',
      ...(sipStatus === undefined ? {} : { tech_cause: sipStatus }),
    });
  }

  /** What `res_pjsip_recovery` tells of a channel. */
  report(
    channelId: string,
    userevent: Readonly<Record<string, string>>,
    eventname = 'ReinviteRecovery',
  ): void {
    this.tell({ type: 'ChannelUserevent', channel: this.snapshot(channelId), eventname, userevent });
  }

  disconnect(): void {
    this.info = undefined;
    this.emit('down', { reason: 'closed' });
  }

  connect(incarnation: string): void {
    this.info = infoOf(incarnation);
    this.emit('up', this.info);
  }

  private tell(event: object): void {
    this.emit('event', { timestamp: 0, application: 'reinvite-test', ...event });
  }

  private snapshot(channelId: string): object {
    const { state, appName } = this.live.get(channelId) ?? { state: 'Down', appName: '' };
    return {
      id: channelId,
      name: `PJSIP/edge-${channelId}`,
      state,
      dialplan: { context: this.context, extension: '', priority: 1, appName, appData: '' },
    };
  }

  private mustArrive(): void {
    if (this.astray === 0) return;
    this.astray -= 1;
    throw connectionLost(true);
  }

  private mustBeUp(maybeSent: boolean): void {
    if (this.info === undefined) throw connectionLost(maybeSent);
  }
}

export function connectionLost(maybeSent: boolean): CodedError {
  return codedError('ARI_UNREACHABLE', 'ECONNRESET', { maybeSent, status: 0 });
}

function infoOf(incarnation: string): AsteriskInfo {
  return { entityId: '', version: '22', startedAt: Number(incarnation), incarnation };
}
