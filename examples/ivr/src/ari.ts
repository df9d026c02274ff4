import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';

/** One Asterisk: `url` is that of its ARI, such as `http://10.0.0.11:8088/ari`. */
export interface AriNode {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

export interface Channel {
  readonly id: string;
  /** The SIP Call-ID: the same before and after a recovery, when `id` is another one. */
  readonly protocol_id: string;
}

export interface Bridge {
  readonly id: string;
  readonly channels: readonly string[];
}

/** The events that this application looks at; there are many more. */
export type AriEvent =
  | { readonly type: 'StasisStart'; readonly args: readonly string[]; readonly channel: Channel }
  | { readonly type: 'StasisEnd'; readonly channel: Channel }
  | { readonly type: 'ChannelDtmfReceived'; readonly digit: string; readonly channel: Channel }
  | { readonly type: 'PlaybackFinished'; readonly playback: { readonly target_uri: string } }
  | { readonly type: 'ChannelEnteredBridge'; readonly bridge: Bridge; readonly channel: Channel }
  | { readonly type: 'ChannelLeftBridge'; readonly bridge: Bridge; readonly channel: Channel };

const RECONNECT_MS = 500;
/** A node that is cut off says nothing: it counts as gone when it does not answer a ping for so long. */
const PING_MS = 2_000;

/** ARI of one node: requests, and the events of one application for as long as the node lives, and when it is back. */
export class Ari {
  constructor(private readonly node: AriNode) {}

  /**
   * Sends a request; parameters go in the query.
   * @param accepted statuses that are no error beside those of success.
   * @returns the parsed answer, null where it has no body; undefined where its status is one of `accepted`.
   */
  async request(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    parameters: Readonly<Record<string, string>> = {},
    accepted: readonly number[] = [],
  ): Promise<unknown> {
    const query = new URLSearchParams(parameters).toString();
    const answer = await fetch(`${this.node.url}${path}${query === '' ? '' : `?${query}`}`, {
      method,
      headers: { authorization: this.authorization() },
    });
    const text = await answer.text();
    if (accepted.includes(answer.status)) return undefined;
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  /** Listens until the signal aborts. `on.up` whenever the node has taken the application, `on.down` when the node is gone. */
  async listen(
    app: string,
    on: { readonly event: (event: AriEvent) => void; readonly up: () => void; readonly down: () => void },
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      await this.once(app, on, signal);
      on.down();
      await delay(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One connection, until it ends. */
  private once(app: string, on: Parameters<Ari['listen']>[1], signal: AbortSignal): Promise<void> {
    const url = `${this.node.url.replace(/^http/, 'ws')}/events?app=${app}`;
    const socket = new WebSocket(url, { headers: { authorization: this.authorization() } });
    let heard = true;
    const ping = setInterval(() => {
      if (!heard) socket.terminate();
      heard = false;
      if (socket.readyState === WebSocket.OPEN) socket.ping();
    }, PING_MS);
    const end = (): void => socket.terminate();
    signal.addEventListener('abort', end, { once: true });
    socket.on('open', on.up);
    socket.on('pong', () => (heard = true));
    socket.on('message', (data: Buffer) => on.event(JSON.parse(data.toString('utf8')) as AriEvent));
    // `close` follows.
    socket.on('error', () => undefined);
    return new Promise((resolve) => {
      socket.on('close', () => {
        clearInterval(ping);
        signal.removeEventListener('abort', end);
        resolve();
      });
    });
  }

  private authorization(): string {
    const { username, password } = this.node;
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }
}
