import type { AriChannel, AriConnection, AriEvent, AsteriskInfo } from '@reinvite/ari';
import { retryForever, type Logger } from '@reinvite/runtime';
import type { Life } from '../process/life.js';
import { askVariables } from '../activity/ask-variables.js';
import { stillGoing } from '../activity/still-going.js';
import { Unsettled } from './unsettled.js';

/** Nobody records what these tell; there are many of them in a call. */
const NOISE = [
  'ChannelDtmfReceived',
  'ChannelTalkingStarted',
  'ChannelTalkingFinished',
  'DeviceStateChanged',
  'PeerStatusChange',
  'ContactStatusChange',
];
/** Every variable of every channel: asked for only where some of them are to be told. */
const VARIABLES = 'ChannelVarset';

/** Gives the life that Asterisk is in; the same one again when the connection to it was lost in between. */
export type LifeOf = (info: AsteriskInfo) => Life;

/**
 * Turns what ARI tells into the facts of the life it belongs to.
 *
 * After each connect the lists of channels and bridges are fetched while events already come in; these wait and are applied
 * to the fetched picture in their order. An event that is older than the list brings a leg back to an older state only until
 * the event that the list was ahead of has been applied too, which is in the same turn.
 */
export class CallObserver {
  private waiting: AriEvent[] | undefined = [];
  private life: Life | undefined;
  private readonly unsettled: Unsettled;

  constructor(
    private readonly ari: AriConnection,
    private readonly app: string,
    private readonly lifeOf: LifeOf,
    private readonly log: Logger,
    private readonly signal: AbortSignal,
    private readonly onSynced: () => void,
    private readonly wantsVariables = false,
  ) {
    this.unsettled = new Unsettled({
      fetchOne: (id) => ari.channels.find(id),
      fetchAll: () => ari.channels.list(),
      onFetched: (channel) => this.life?.facts.offer(this.life.picture.channel(channel, Date.now())),
      onError: (err) => log.debug({ err }, 'channels cannot be looked at again'),
    });
  }

  /** Listens until the signal aborts. */
  start(): void {
    this.ari.on('event', (event) => {
      if (this.waiting === undefined) this.observe(event);
      else this.waiting.push(event);
    });
    this.ari.on('down', () => {
      this.life = undefined;
      this.waiting = [];
      this.unsettled.clear();
    });
    this.ari.on('up', (info) => {
      const life = this.lifeOf(info);
      this.life = life;
      this.waiting = [];
      void this.synchronize(life);
    });
  }

  private async synchronize(life: Life): Promise<void> {
    const stillUp = (): boolean => this.life === life && !this.signal.aborted;
    try {
      await this.refuseNoise();
      await retryForever(async () => (stillUp() ? this.fetch(life) : undefined), {
        what: 'reading the channels and bridges',
        log: this.log,
        signal: this.signal,
      });
    } catch (err) {
      if (stillUp()) this.log.error({ err }, 'the calls of this node cannot be read');
    }
  }

  private async fetch(life: Life): Promise<void> {
    const [channels, bridges] = await Promise.all([this.ari.channels.list(), this.ari.bridges.list()]);
    const legs = channels.filter(({ name }) => name.startsWith('PJSIP/')).map(({ id }) => id);
    const [dialedBy, still, variables] = await Promise.all([
      this.dialers(life, channels),
      stillGoing(this.ari, life.picture.going, this.log),
      askVariables(this.ari, legs, life.picture.wantedVariables),
    ]);
    if (this.life !== life) return;
    life.picture.replace({ channels, bridges, dialedBy, still, variables }, Date.now());
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    for (const channel of channels) this.unsettled.note(channel);
    for (const event of waiting) {
      life.picture.apply(event);
      this.noteUnsettled(event);
    }
    life.facts.resync();
    this.log.info({ incarnation: life.info.incarnation, legs: life.picture.liveLegs }, 'calls are known');
    this.onSynced();
  }

  private observe(event: AriEvent): void {
    const { life } = this;
    if (life === undefined) return;
    life.facts.offer(life.picture.apply(event));
    this.noteUnsettled(event);
  }

  private noteUnsettled(event: AriEvent): void {
    if (event.type === 'ChannelDestroyed') this.unsettled.forget(event.channel.id);
    else channelsOf(event).forEach((channel) => this.unsettled.note(channel));
  }

  /** Who dialled the channels that `Dial` made before we listened: the channel that their link id names, if it is in `Dial`. */
  private async dialers(life: Life, channels: readonly AriChannel[]): Promise<Map<string, string>> {
    const dialing = new Set(
      channels.filter(({ dialplan }) => dialplan.appName === 'Dial').map(({ id }) => id),
    );
    const unknown = channels.filter(
      ({ id, dialplan }) => dialplan.appName === 'AppDial' && life.picture.dialerOf(id) === undefined,
    );
    const found = await Promise.all(
      unknown.map(async ({ id }) => {
        const linked = await this.ari.channels.getVariable(id, 'CHANNEL(linkedid)').catch((err: unknown) => {
          this.log.debug({ err, channelId: id }, 'who dialled a channel cannot be told');
          return '';
        });
        return [id, linked] as const;
      }),
    );
    return new Map(found.filter(([, caller]) => dialing.has(caller)));
  }

  private async refuseNoise(): Promise<void> {
    try {
      await this.ari.asterisk.refuseEvents(this.app, this.wantsVariables ? NOISE : [...NOISE, VARIABLES]);
    } catch (err) {
      this.log.debug({ err }, 'this Asterisk sends all events');
    }
  }
}

function channelsOf(event: AriEvent): AriChannel[] {
  if (event.type === 'Dial') return event.caller === undefined ? [event.peer] : [event.caller, event.peer];
  return 'channel' in event && event.channel !== undefined ? [event.channel] : [];
}
