import { connectAri, type AriConnection, type AriEvent } from '@reinvite/ari';
import type { Lab } from '@reinvite/lab';
import { createLogger } from '@reinvite/runtime';

/** Name of the Stasis application. */
export const APP = 'whole';

/** Where a call's channel is. */
export interface Channel {
  readonly node: string;
  readonly channelId: string;
}

/**
 * A fake application: it has a channel for each phone and does with it what a case says, and when the channel comes back after a
 * crash it notes the new one and does nothing. It keeps no state with Reinvite and plays nothing again, so what comes back is
 * Reinvite's doing.
 */
export class Application {
  /** By SIP Call-ID, the same before and after a recovery. */
  private readonly channels = new Map<string, Channel>();
  private readonly connections = new Map<string, AriConnection>();

  private constructor(
    private readonly lab: Lab,
    private readonly ending: AbortController,
  ) {}

  /** Resolves when every node has taken the application. */
  static async start(lab: Lab): Promise<Application> {
    const ending = new AbortController();
    const application = new Application(lab, ending);
    const log = createLogger('whole-call', 'fatal');
    for (const [node, access] of Object.entries(lab.info.ari)) {
      const url = access.url.replace(/\/ari$/, '');
      const connection = connectAri({ ...access, url, app: APP, log, signal: ending.signal });
      connection.on('event', (event) => application.handle(node, event));
      application.connections.set(node, connection);
    }
    await Promise.all([...application.connections.values()].map((connection) => connection.whenUp()));
    return application;
  }

  stop(): void {
    this.ending.abort();
  }

  /** Whether a node that was dead has taken the application again. */
  isUp(node: string): boolean {
    return this.connections.get(node)?.info !== undefined;
  }

  /** The channel of the dialog, where it is in the application or has been called by it. */
  channelOf(sipCallId: string): Channel | undefined {
    return this.channels.get(sipCallId);
  }

  /**
   * A request to a node's ARI; parameters go in the query, channel variables in the body.
   * @returns the parsed answer, undefined where it has no body.
   * @throws Error with the status and what ARI says where it refuses.
   */
  async ask(
    node: string,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    parameters: Readonly<Record<string, string>> = {},
    variables?: Readonly<Record<string, string>>,
  ): Promise<unknown> {
    const access = this.lab.info.ari[node];
    if (access === undefined) throw new Error(`${node} has no ARI`);
    const authorization = `Basic ${Buffer.from(`${access.username}:${access.password}`).toString('base64')}`;
    const query = new URLSearchParams(parameters).toString();
    const url = `${access.url}${path}${query === '' ? '' : `?${query}`}`;
    const answer = await fetch(url, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(variables === undefined ? {} : { body: JSON.stringify({ variables }) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`ARI of ${node} answers ${answer.status} to ${method} ${path}: ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }

  private handle(node: string, event: AriEvent): void {
    if (event.type !== 'StasisStart') return;
    this.channels.set(event.channel.protocolId, { node, channelId: event.channel.id });
  }
}
