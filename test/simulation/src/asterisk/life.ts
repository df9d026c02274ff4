import type { AriChannel, AriEvent, Originate } from '@reinvite/ari';
import type { World } from '../world/world.js';
import { Bridges } from './bridges.js';
import { asChannel, type SimulatedChannel } from './channel.js';
import { refused, type EventOf } from './ari.js';
import type { Answer, Phone, Speaker } from './phone.js';
import type { Killing, Surroundings } from './surroundings.js';
import { UsedCseqs } from './used-cseqs.js';

/** Ms until an originated channel that was answered is in its application. */
const INTO_STASIS_MS = [1, 30] as const;
/** Ms until what got no answer is sent again, each time twice as long: half a minute in all. */
const SENT_AGAIN_MS = { first: 500, last: 16_000 } as const;
/** Ms until a re-INVITE that is not sent has ended its channel. */
const REFUSE_MS = 2;

/**
 * One life of an Asterisk with `res_pjsip_recovery`, at the level of ARI and of the INVITEs that it sends: channel ids are
 * unique (409), a channel that has not brought its dialog back sends no BYE.
 */
export class Life implements Speaker {
  readonly incarnation: string;
  /** Virtual ms. */
  private readonly startedAt: number;
  readonly channels = new Map<string, SimulatedChannel>();
  readonly bridges: Bridges;
  private readonly cseqs = new UsedCseqs();
  private living = true;
  /** Since when it answers nothing, virtual ms, though its network still acknowledges; null while it answers. */
  hungSince: number | null = null;
  diedAt: number | null = null;
  /** When it answered nothing though it lived, virtual ms; the last may go on. */
  readonly hangs: { readonly from: number; to: number }[] = [];
  /** How it was when somebody killed it on purpose; null where nobody did. */
  killed: (Killing & { readonly hungMs: number }) | null = null;
  private readonly waiting: (() => void)[] = [];
  private readonly listeners = new Set<(event: AriEvent) => void>();
  private readonly onDeath = new Set<() => void>();

  constructor(
    private readonly world: World,
    readonly nodeId: string,
    private readonly surroundings: Surroundings<Life>,
  ) {
    this.startedAt = world.time.now;
    this.incarnation = String(Date.now());
    this.bridges = new Bridges(
      (event) => this.tell(event),
      (channelId, id) => this.world.trace.note(this.nodeId, `${channelId} is in ${id}`),
    );
  }

  readonly isAlive = (): boolean => this.living;

  get hung(): boolean {
    return this.hungSince !== null;
  }

  /** Whether it lived and answered at a moment, virtual ms. */
  wasWell(at: number): boolean {
    if (at < this.startedAt || (this.diedAt !== null && at >= this.diedAt)) return false;
    return !this.hangs.some(({ from, to }) => from <= at && at < to);
  }

  /** How long it has answered nothing, ms. */
  get hungMs(): number {
    return this.hungSince === null ? 0 : this.world.time.now - this.hungSince;
  }

  hang(): void {
    if (this.hung) return;
    this.hungSince = this.world.time.now;
    this.hangs.push({ from: this.hungSince, to: Infinity });
  }

  goOn(): void {
    const last = this.hangs.at(-1);
    if (this.hung && last !== undefined) last.to = this.world.time.now;
    this.hungSince = null;
    for (const work of this.waiting.splice(0)) this.whenAwake(work);
  }

  /** Does what came in: at once, or when it goes on; never once it is dead. What its network took stays there meanwhile. */
  whenAwake(work: () => void): void {
    if (!this.living) return;
    if (this.hung) this.waiting.push(work);
    else work();
  }

  /** Somebody ends it on purpose. */
  kill(killing: Killing): void {
    if (!this.living) return;
    this.world.trace.note(this.nodeId, `Asterisk ${this.incarnation} is killed by ${killing.by}`);
    this.killed = { ...killing, hungMs: this.hungMs };
    this.die();
  }

  /** SIGKILL, a crash or power loss: nothing is sent any more. */
  die(): void {
    if (!this.living) return;
    this.world.trace.note(this.nodeId, `Asterisk ${this.incarnation} is dead`);
    this.living = false;
    this.diedAt = this.world.time.now;
    this.surroundings.witness.died(this);
    for (const tell of [...this.onDeath]) tell();
    this.listeners.clear();
  }

  whenDead(tell: () => void): () => void {
    this.onDeath.add(tell);
    return () => this.onDeath.delete(tell);
  }

  listen(listener: (event: AriEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A call that was there before the run looked: up, and in its application. */
  seat(id: string, phone: Phone, app: string): void {
    const channel: SimulatedChannel = {
      id,
      phone,
      createdAt: Date.now(),
      state: 'Up',
      app,
      appName: 'Stasis',
      context: 'from-edge',
      cancelled: false,
      goesTo: app,
    };
    this.channels.set(id, channel);
    this.tell({ type: 'ChannelCreated', channel: asChannel(channel) });
  }

  /** @throws CodedError as `AriChannels.originate`. */
  originate(request: Originate): AriChannel {
    const { channelId, variables = {}, target } = request;
    if (this.channels.has(channelId)) throw refused('ARI_CONFLICT', 409);
    const phone = this.surroundings.phoneOf(variables['PJSIP_RECOVERY_CALL-ID'] ?? '');
    if (phone === undefined) throw refused('ARI_REQUEST_FAILED', 400);
    const channel: SimulatedChannel = {
      id: channelId,
      phone,
      createdAt: Date.now(),
      state: 'Down',
      app: '',
      appName: 'AppDial2',
      context: 'app' in target ? '' : target.context,
      cancelled: false,
      goesTo: 'app' in target ? target.app : '',
    };
    this.channels.set(channelId, channel);
    this.surroundings.witness.originates(this, channel);
    this.world.trace.note(this.nodeId, `originates ${channelId}`);
    this.tell({ type: 'ChannelCreated', channel: asChannel(channel) });
    const cseq = Number(variables.PJSIP_RECOVERY_CSEQ ?? 0);
    if (this.cseqs.use(phone.sipCallId, cseq)) this.invite(channel, cseq, (request.timeoutS ?? 30) * 1_000);
    else this.after(REFUSE_MS, () => this.refuse(channel));
    return asChannel(channel);
  }

  /** @throws CodedError as `AriBridges.addChannels`. */
  addToBridge(id: string, channelId: string): void {
    const channel = this.channels.get(channelId);
    this.bridges.add(id, channel === undefined ? undefined : asChannel(channel));
  }

  /** @throws CodedError `ARI_NOT_FOUND`. */
  hangup(channelId: string): void {
    const channel = this.channels.get(channelId);
    if (channel === undefined) throw refused('ARI_NOT_FOUND', 404);
    if (channel.state !== 'Up') this.cancel(channel);
    this.end(channel, 19, undefined);
  }

  /** The phone's BYE. */
  onBye(phone: Phone): void {
    this.whenAwake(() => {
      phone.byeHeardAt ??= Date.now();
      for (const channel of [...this.channels.values()])
        if (channel.phone === phone && channel.state === 'Up') this.end(channel, 16, undefined);
    });
  }

  private invite(channel: SimulatedChannel, cseq: number, timeoutMs: number): void {
    const { phone } = channel;
    phone.sentBy(this.nodeId, cseq);
    this.sip(() =>
      phone.onInvite(this, channel.id, cseq, (answer) => this.sipBack(() => this.onAnswer(channel, answer))),
    );
    this.after(timeoutMs, () => {
      if (channel.state !== 'Down' || this.channels.get(channel.id) !== channel) return;
      this.cancel(channel);
      this.report(channel, { result: 'failed', status: '487', received: 'no', retry_after: '' });
      this.end(channel, 19, undefined);
    });
  }

  /** The module sends nothing. */
  private refuse(channel: SimulatedChannel): void {
    if (this.channels.get(channel.id) !== channel) return;
    this.report(channel, { result: 'refused', code: 'REC-CSEQ-USED' });
    this.end(channel, 111, undefined);
  }

  private cancel(channel: SimulatedChannel): void {
    channel.cancelled = true;
    this.world.trace.note(this.nodeId, `CANCEL ${channel.id}`);
    this.sip(() => channel.phone.onCancel(channel.id, () => undefined));
  }

  private onAnswer(channel: SimulatedChannel, { status, retryAfterS }: Answer): void {
    // An attempt that has ended acknowledges what comes after it and says nothing more.
    if (this.channels.get(channel.id) !== channel || channel.state !== 'Down') return;
    if (status === 200) {
      channel.state = 'Up';
      this.tell({ type: 'ChannelStateChange', channel: asChannel(channel) });
      this.after(this.world.random.int(...INTO_STASIS_MS), () => this.enterApp(channel));
      const { killsAfterMs } = channel.phone;
      if (killsAfterMs !== null) this.after(killsAfterMs, () => this.die());
      return;
    }
    const retryAfter = retryAfterS === null ? '' : String(retryAfterS);
    this.report(channel, {
      result: 'failed',
      status: String(status),
      received: 'yes',
      retry_after: retryAfter,
    });
    this.end(channel, 21, status);
  }

  private enterApp(channel: SimulatedChannel): void {
    if (this.channels.get(channel.id) !== channel) return;
    channel.appName = 'Stasis';
    channel.app = channel.goesTo;
    const dialplan = { dialplan_app: 'Stasis', dialplan_app_data: channel.goesTo };
    this.tell({ type: 'ChannelDialplan', channel: asChannel(channel), ...dialplan });
  }

  private report(channel: SimulatedChannel, userevent: Readonly<Record<string, string>>): void {
    this.tell({
      type: 'ChannelUserevent',
      channel: asChannel(channel),
      eventname: 'ReinviteRecovery',
      userevent,
    });
  }

  private end(channel: SimulatedChannel, cause: number, techCause: number | undefined): void {
    this.channels.delete(channel.id);
    this.bridges.leave(asChannel(channel));
    this.tell({
      type: 'ChannelDestroyed',
      channel: asChannel(channel),
      cause,
      cause_txt: '',
      ...(techCause === undefined ? {} : { tech_cause: techCause }),
    });
  }

  /** A timer of its own: it does not run while it hangs. */
  private after(ms: number, work: () => void): void {
    setTimeout(() => this.whenAwake(work), ms);
  }

  /** SIP to a phone, over the edge; a hung or dead Asterisk sends none. */
  private sip(arrive: () => void): void {
    if (!this.living || this.hung) return;
    this.untilThere(this.nodeId, 'edge', arrive);
  }

  private sipBack(arrive: () => void): void {
    this.untilThere('edge', this.nodeId, () => this.whenAwake(arrive));
  }

  /** What is not there is sent again, and again (RFC 3261 sections 13.3.1.4 and 17.1.1.2). */
  private untilThere(
    from: string,
    to: string,
    arrive: () => void,
    afterMs: number = SENT_AGAIN_MS.first,
  ): void {
    const { network, time } = this.world;
    if (network.isOpen(from, to)) {
      network.send(from, to, `sip ${this.incarnation}`, arrive);
      return;
    }
    if (afterMs > SENT_AGAIN_MS.last || !this.living) return;
    time.later(afterMs, () => this.untilThere(from, to, arrive, afterMs * 2));
  }

  private tell(event: EventOf): void {
    if (!this.living) return;
    const full = { timestamp: Date.now(), application: '', ...event };
    for (const listener of this.listeners) listener(full);
  }
}
