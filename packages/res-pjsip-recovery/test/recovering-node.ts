import { appendFile } from 'node:fs/promises';
import { connectAri, type AriConnection, type AriEvent } from '@reinvite/ari';
import { startLab, type Lab } from '@reinvite/lab';
import { createLogger } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { HeldPhone, type InventedDialog, type Step, type Transport } from './held-phone.js';

/** Where the phone waits, and by which endpoint the node goes there. */
export interface Way {
  readonly endpoint?: string;
  readonly transport?: Transport;
  readonly address?: string;
}

export interface Recovered {
  readonly phone: HeldPhone;
  readonly channelId: string;
}

/** Lines of SDP: a voice that both sides know, with its events. */
export const voice = (direction = 'sendrecv'): readonly string[] => [
  'm=audio 30000 RTP/AVP 0 101',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
  `a=${direction}`,
];

/** The same as `PJSIP_RECOVERY_SDP_STREAMS` has it, without a direction. */
export const VOICE: readonly string[] = [
  'm=audio 9 RTP/AVP 0 101',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
];

export const streams = (...lines: readonly string[]): Record<string, string> => ({
  PJSIP_RECOVERY_SDP_STREAMS: lines.join('|'),
});

/** The lines of a message that start so; a port that is not 0 is called PORT. */
export const linesOf = (message: string | undefined, start: string): string[] =>
  (message ?? '')
    .split(/\r?\n/)
    .filter((line) => line.startsWith(start))
    .map((line) => line.replace(/ [1-9]\d* (?=RTP|UDP)/, ' PORT '));

export const HUNG_UP: Step = { takes: 'BYE' };

/** An Asterisk that recovers dialogs which nobody but the test knows of. */
export class RecoveringNode {
  private count = 0;
  private readonly events: AriEvent[] = [];
  private readonly stop = new AbortController();

  private constructor(
    readonly lab: Lab,
    private readonly ari: AriConnection,
  ) {
    ari.on('event', (one) => this.events.push(one));
  }

  /** @param configuration lines more for pjsip.conf. */
  static async start(configuration = ''): Promise<RecoveringNode> {
    const lab = await startLab({ nodes: 1, reinvite: false });
    const stop = new AbortController();
    const ari = connectAri({
      ...addressOf(lab),
      app: 'recovering',
      log: createLogger('test', 'silent'),
      signal: stop.signal,
      subscribeAll: true,
    });
    await ari.whenUp();
    const node = new RecoveringNode(lab, ari);
    node.stop.signal.addEventListener('abort', () => stop.abort(node.stop.signal.reason));
    await appendFile(lab.hostPath('ast1', '/etc/asterisk/pjsip.conf'), configuration);
    await lab.exec('ast1', ['asterisk', '-rx', 'module reload res_pjsip.so']);
    return node;
  }

  async down(): Promise<void> {
    this.stop.abort(new Error('the tests are over'));
    await this.lab.down();
  }

  address(host: string, family: 'address' | 'address6' = 'address'): string {
    return this.lab.info.hosts[host]?.[family] ?? '';
  }

  /** What a phone says of itself in SDP. */
  said(version: number, ...lines: readonly string[]): readonly string[] {
    const address = this.address('phones');
    return [`o=phone 1 ${version} IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0', ...lines];
  }

  /** A phone that takes a re-INVITE. */
  takes(lines: readonly string[], ...headers: readonly string[]): Step {
    return { takes: 'INVITE', answer: this.said(1, ...lines), headers };
  }

  /** Recovers the dialog of a phone that waits for it; resolves when it has answered and the channel is up. */
  async recover(
    variables: Record<string, string>,
    steps: readonly Step[],
    way: Way = {},
  ): Promise<Recovered> {
    const port = 22_000 + (this.count += 1);
    const id = `recovered${this.count}`;
    const dialog: InventedDialog = { callId: `${id}@test`, nodeTag: `${id}-us`, phoneTag: `${id}-phone` };
    const { address = this.address('phones'), transport = 'udp', endpoint = 'direct' } = way;
    const phone = await HeldPhone.wait(this.lab, dialog, { address, port, transport }, steps);
    const target = `sip:phone@${address}:${port}`;
    await this.ari.channels.originate({
      channelId: id,
      endpoint: `PJSIP/${endpoint}/${target}`,
      target: { app: 'recovering' },
      variables: {
        'PJSIP_RECOVERY_CALL-ID': dialog.callId,
        PJSIP_RECOVERY_CSEQ: '4711',
        PJSIP_RECOVERY_FROM_URI: 'sip:echo@lab.invalid',
        PJSIP_RECOVERY_FROM_TAG: dialog.nodeTag,
        PJSIP_RECOVERY_TO_URI: 'sip:phone@192.168.99.9',
        PJSIP_RECOVERY_TO_TAG: dialog.phoneTag,
        PJSIP_RECOVERY_REQUEST_URI: target,
        ...variables,
      },
    });
    await this.event('StasisStart', id);
    return { phone, channelId: id };
  }

  /** A call that is recovered and hung up by us: @returns the offer that the phone got. */
  async offered(...call: Parameters<RecoveringNode['recover']>): Promise<string> {
    const recovered = await this.recover(...call);
    const [invite] = await recovered.phone.received('INVITE');
    await this.hangUp(recovered);
    return invite ?? '';
  }

  /** Hangs up and sees to it that all went for the phone as it is written. */
  async hangUp({ channelId, phone }: Recovered): Promise<void> {
    await this.ari.channels.hangup(channelId);
    const complaints = await phone.ended();
    if (complaints !== '') throw new Error(complaints);
  }

  event(type: AriEvent['type'], channelId: string): Promise<AriEvent> {
    return eventually(`${type} of ${channelId}`, () =>
      this.events.find((one) => one.type === type && 'channel' in one && one.channel?.id === channelId),
    );
  }

  /** Holds by ARI (POST), or ends that (DELETE). */
  async hold({ channelId }: Recovered, method: 'POST' | 'DELETE'): Promise<void> {
    const { url, username, password } = addressOf(this.lab);
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const { status } = await fetch(`${url}/ari/channels/${channelId}/hold`, {
      method,
      headers: { authorization },
    });
    if (status !== 204) throw new Error(`${method} hold answered ${status}`);
  }
}

function addressOf(lab: Lab): { url: string; username: string; password: string } {
  const credentials = lab.info.ari['ast1'] ?? { username: '', password: '' };
  return { ...credentials, url: `http://${lab.info.hosts['ast1']?.address ?? ''}:8088` };
}
