import type { LabInfo } from '@reinvite/lab';
import { z } from 'zod';

const channels = z.array(z.object({ id: z.string(), protocol_id: z.string() }));

const applications = z.array(z.object({ name: z.string() }));

/** The channel is not in an application, or Asterisk is still booting. */
const UNABLE = Symbol('unable');

/** What an application would ask of one node's Asterisk. */
export class Ari {
  constructor(
    private readonly info: LabInfo,
    private readonly node: string,
  ) {}

  /** Calls a phone; once it has answered, it is in the application `demo`, which does nothing. */
  async call(id: string, endpoint: string, callerId: string): Promise<void> {
    await this.ask('POST', `/channels/conformance-${id}`, {
      endpoint,
      app: 'demo',
      appArgs: 'quiet',
      callerId,
    });
  }

  /**
   * Holds the phone of a dialog, as an application does.
   * @returns false where the call has not come into the application yet.
   */
  async hold(sipCallId: string): Promise<boolean> {
    const all = channels.parse(await this.ask('GET', '/channels'));
    const channel = all.find(({ protocol_id: protocolId }) => protocolId === sipCallId);
    if (channel === undefined) return false;
    return (await this.ask('POST', `/channels/${channel.id}/hold`)) !== UNABLE;
  }

  /** Names of the applications that are connected; none while Asterisk boots. */
  async applications(): Promise<string[]> {
    const all = await this.ask('GET', '/applications');
    return all === UNABLE ? [] : applications.parse(all).map(({ name }) => name);
  }

  private async ask(method: string, path: string, body?: object): Promise<unknown> {
    const access = this.info.ari[this.node];
    if (access === undefined) throw new Error(`${this.node} has no ARI`);
    const authorization = `Basic ${Buffer.from(`${access.username}:${access.password}`).toString('base64')}`;
    const answer = await fetch(`${access.url}${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status === 409 || answer.status === 503) return UNABLE;
    const text = await answer.text();
    if (!answer.ok)
      throw new Error(`ARI of ${this.node} answers ${answer.status} to ${method} ${path}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}
