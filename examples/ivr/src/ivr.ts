import { Ari, type AriEvent, type AriNode } from './ari.js';
import { Caller, type CallerOptions } from './caller.js';

/** Name of the Stasis application: `Stasis(ivr)` in the dialplan. */
const APP = 'ivr';
const CONFERENCE = 'conference-';
const CHANNEL_URI = 'channel:';

/** The application on all nodes at once, until the signal aborts. `onReady` when each has taken it. */
export async function ivr(
  nodes: readonly AriNode[],
  options: CallerOptions,
  onReady: () => void,
  signal: AbortSignal,
): Promise<void> {
  const awaited = new Set(nodes);
  await Promise.all(
    nodes.map((node) =>
      new NodeIvr(new Ari(node), options).run(() => {
        if (awaited.delete(node) && awaited.size === 0) onReady();
      }, signal),
    ),
  );
}

/** The callers of one node. */
class NodeIvr {
  private readonly callers = new Map<string, Caller>();

  constructor(
    private readonly ari: Ari,
    private readonly options: CallerOptions,
  ) {}

  run(up: () => void, signal: AbortSignal): Promise<void> {
    const down = (): void => {
      // Its channels are gone; its calls come back on another node, with a `StasisStart` there.
      for (const caller of this.callers.values()) caller.gone();
      this.callers.clear();
    };
    return this.ari.listen(APP, { event: (event) => this.handle(event), up, down }, signal);
  }

  private handle(event: AriEvent): void {
    switch (event.type) {
      case 'StasisStart': {
        const caller = new Caller(this.ari, event.channel, this.options);
        this.callers.set(event.channel.id, caller);
        caller.started(event.args);
        return;
      }
      case 'StasisEnd':
        this.callers.get(event.channel.id)?.gone();
        this.callers.delete(event.channel.id);
        return;
      case 'ChannelDtmfReceived':
        this.callers.get(event.channel.id)?.pressed(event.digit);
        return;
      case 'PlaybackFinished':
        this.callers.get(event.playback.target_uri.slice(CHANNEL_URI.length))?.promptEnded();
        return;
      case 'ChannelEnteredBridge':
        this.callers.get(event.channel.id)?.entered();
        return;
      case 'ChannelLeftBridge':
        if (event.bridge.id.startsWith(CONFERENCE) && event.bridge.channels.length === 0)
          this.close(event.bridge.id);
    }
  }

  /** The last one has left. Somebody who enters at this moment makes it anew. */
  private close(bridgeId: string): void {
    this.ari
      .request('DELETE', `/bridges/${bridgeId}`, {}, [404])
      .catch((error: unknown) => this.options.say('failed', { bridgeId, error: String(error) }));
  }
}
