import { ariAccess, connectAri, type AriChannel, type AriConnection, type AriEvent } from '@reinvite/ari';
import { isCoded, type NodeConfig, type ServiceContext } from '@reinvite/runtime';
import { DemoCalls } from './calls.js';

/** The Stasis application of the lab's dialplan. */
const APP = 'demo';
const RING_S = 30;
/** An indication tone of Asterisk that never pauses. */
const TONE = 'tone:dial';

/** What the demo application needs besides the services' configuration. */
export interface DemoAppOptions extends ServiceContext {
  /** Address of the edge, through which phones are called. */
  readonly edge: string;
}

/**
 * An ARI application as a customer would have it, on all nodes at once: `app` is answered and hears a tone;
 * `bridge,<port>` is joined with the phone at that port; `recovered,<callId>` goes on where its node died.
 * Resolves when the signal aborts.
 */
export async function demoApp(options: DemoAppOptions): Promise<void> {
  const { config, signal, log } = options;
  const calls = new DemoCalls();
  const ready = config.nodes.map(async (node) => {
    const ari = await connect(node, options);
    const app = new NodeApp(node.id, ari, calls, options);
    ari.on('event', (event) => app.handle(event));
    ari.on('down', () => calls.nodeGone(node.id));
    await ari.whenUp();
  });
  await Promise.all(ready);
  log.info('ready');
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

async function connect(node: NodeConfig, { log, signal }: DemoAppOptions): Promise<AriConnection> {
  return connectAri({ ...(await ariAccess(node)), app: APP, log: log.child({ nodeId: node.id }), signal });
}

/** The application on one node. */
class NodeApp {
  constructor(
    private readonly node: string,
    private readonly ari: AriConnection,
    private readonly calls: DemoCalls,
    private readonly options: DemoAppOptions,
  ) {}

  handle(event: AriEvent): void {
    if (event.type === 'StasisStart') this.run(event.channel, this.started(event.channel, event.args));
    else if (event.type === 'StasisEnd') this.run(event.channel, this.ended(event.channel));
    // A phone that is called and does not answer never comes into the application.
    else if (event.type === 'ChannelDestroyed') this.run(event.channel, this.ended(event.channel));
  }

  /** One channel's trouble is not the others'. A channel that is gone by the time that we ask for it is no trouble. */
  private run(channel: AriChannel, work: Promise<void>): void {
    work.catch((err: unknown) => {
      const gone = isCoded(err, 'ARI_NOT_FOUND') || isCoded(err, 'ARI_UNREACHABLE');
      this.options.log[gone ? 'debug' : 'error'](
        { err, nodeId: this.node, channelId: channel.id },
        'call not served',
      );
    });
  }

  private async started(channel: AriChannel, args: readonly string[]): Promise<void> {
    const [what, about = ''] = args;
    if (what === 'app') await this.answerAlone(channel);
    else if (what === 'bridge') await this.answerAndCall(channel, about);
    else if (what === 'callee') await this.join(channel, about);
    else if (what === 'recovered') await this.goOn(channel, about);
  }

  private async answerAlone(channel: AriChannel): Promise<void> {
    this.calls.begin(channel.protocolId, 'app');
    this.calls.enter(channel.protocolId, this.node, channel.id);
    await this.ari.channels.play(channel.id, TONE);
  }

  private async answerAndCall(channel: AriChannel, port: string): Promise<void> {
    const callId = channel.protocolId;
    const bridgeId = `demo-${channel.id}`;
    this.calls.begin(callId, 'bridge', bridgeId);
    this.calls.enter(callId, this.node, channel.id);
    await this.ari.channels.answer(channel.id);
    await this.ari.bridges.create(bridgeId);
    await this.ari.bridges.addChannels(bridgeId, [channel.id]);
    const called = `callee-${channel.id}`;
    this.calls.enter(callId, this.node, called);
    await this.ari.channels.originate({
      channelId: called,
      endpoint: `PJSIP/edge/sip:phone-${port}@${this.options.edge}`,
      target: { app: APP, appArgs: ['callee', bridgeId] },
      callerId: channel.caller.number,
      originator: channel.id,
      timeoutS: RING_S,
    });
  }

  private async join(channel: AriChannel, bridgeId: string): Promise<void> {
    await this.ari.bridges.addChannels(bridgeId, [channel.id]);
  }

  /** Reinvite joins the legs of a pair itself; the application is in charge again from here on. */
  private async goOn(channel: AriChannel, callId: string): Promise<void> {
    this.calls.enter(callId, this.node, channel.id);
    if (this.calls.kindOf(callId) !== 'bridge') await this.ari.channels.play(channel.id, TONE);
  }

  private async ended(channel: AriChannel): Promise<void> {
    const ending = this.calls.leave(channel.id);
    if (ending === undefined) return;
    for (const other of ending.hangUp) await this.ari.channels.hangup(other);
    if (ending.bridgeId !== '') await this.ari.bridges.destroy(ending.bridgeId);
  }
}
