import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Lab } from '@reinvite/lab';
import { eventually } from '@reinvite/test-support';

/** One side of a dialog that only the test knows of; the phone's own is what the recovering node takes for "to". */
export interface InventedDialog {
  readonly callId: string;
  readonly nodeTag: string;
  readonly phoneTag: string;
}

/** What the phone does after the other, each to its end. */
export type Step =
  /** Takes a re-INVITE, the first of all being the recovering one, and answers 200 with these lines of SDP; the ACK comes. */
  | { readonly takes: 'INVITE'; readonly answer: readonly string[]; readonly headers?: readonly string[] }
  | { readonly takes: 'UPDATE' | 'BYE'; readonly headers?: readonly string[] }
  /** Sends a re-INVITE with these lines of SDP, or one of the others, and gets 200. */
  | {
      readonly sends: 'INVITE' | 'UPDATE';
      readonly offer: readonly string[];
      readonly headers?: readonly string[];
    }
  | { readonly sends: 'BYE' };

export type Transport = 'udp' | 'tcp' | 'tls';

const SIPP_TRANSPORT: Readonly<Record<Transport, string>> = { udp: 'u1', tcp: 't1', tls: 'l1' };

/** A SIPp phone that holds the dialog and waits for whoever goes on with it. */
export class HeldPhone {
  private constructor(
    private readonly sipp: ReturnType<Lab['spawn']>,
    private readonly dir: string,
  ) {}

  /** @param where address as SIPp takes it, with brackets for IPv6. */
  static async wait(
    lab: Lab,
    dialog: InventedDialog,
    where: { readonly address: string; readonly port: number; readonly transport?: Transport },
    steps: readonly Step[],
  ): Promise<HeldPhone> {
    const dir = await mkdtemp(path.join(lab.info.shared, 'held-phone-'));
    const inLab = path.posix.join('/lab', path.basename(dir));
    await writeFile(path.join(dir, 'scenario.xml'), scenarioOf(dialog, steps));
    const transport = where.transport ?? 'udp';
    const certificate = ['-tls_cert', '/lab/tls/phones.pem', '-tls_key', '/lab/tls/phones.key'];
    const sipp = lab.spawn(
      'phones',
      [
        ...['sipp', '-sf', `${inLab}/scenario.xml`, '-m', '1', '-nostdin', '-t', SIPP_TRANSPORT[transport]],
        ...['-i', where.address, '-mi', where.address, '-p', String(where.port)],
        ...(transport === 'tls' ? certificate : []),
        ...['-trace_msg', '-message_file', `${inLab}/messages`],
        ...['-trace_err', '-error_file', `${inLab}/errors`],
      ],
      { stdio: 'ignore' },
    );
    const phone = new HeldPhone(sipp, dir);
    const table = transport === 'udp' ? 'udp' : 'tcp';
    const port = `:${where.port.toString(16).toUpperCase().padStart(4, '0')} `;
    await eventually('the listening phone', async () => {
      if (sipp.exitCode !== null) throw new Error(`SIPp ended at once: ${await phone.read('errors')}`);
      const { stdout } = await lab.exec('phones', ['cat', `/proc/net/${table}`, `/proc/net/${table}6`]);
      return stdout.includes(port);
    });
    return phone;
  }

  /** The messages with this start that the phone has received, retransmissions left out, once there are `count`. */
  received(start: string, count = 1, timeoutMs = 30_000): Promise<readonly string[]> {
    return eventually(
      `${count} × ${start}`,
      async () => {
        const found = receivedOf(await this.read('messages')).filter((one) => one.startsWith(start));
        const unique = [...new Map(found.map((one) => [/^CSeq:.*$/im.exec(one)?.[0], one])).values()];
        return unique.length >= count && unique;
      },
      timeoutMs,
    );
  }

  /** @returns what SIPp found wrong; empty where all went as it was written. */
  async ended(): Promise<string> {
    if (this.sipp.exitCode === null) await once(this.sipp, 'exit');
    const errors = await this.read('errors');
    return this.sipp.exitCode === 0 ? '' : `${errors}\n${await this.read('messages')}`;
  }

  private read(file: string): Promise<string> {
    return readFile(path.join(this.dir, file), 'utf8').catch(() => '');
  }
}

function receivedOf(log: string): string[] {
  return log
    .split(/^-{20,}.*$/m)
    .map((part) => /message received \[\d+\] bytes *:\s*\n\s*([\s\S]*)$/.exec(part)?.[1])
    .filter((message) => message !== undefined);
}

function scenarioOf(dialog: InventedDialog, steps: readonly Step[]): string {
  const written = steps.map((step, index) => stepOf(dialog, step, index + 1)).join('\n');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="held phone">\n${written}\n</scenario>\n`;
}

function stepOf(dialog: InventedDialog, step: Step, cseq: number): string {
  if ('sends' in step) {
    const [offer, headers] = step.sends === 'BYE' ? [[], []] : [step.offer, step.headers ?? []];
    return sending(dialog, step.sends, cseq, offer, headers);
  }
  const take = `<recv request="${step.takes}" rrs="true"/>`;
  const answer = answering(step.takes === 'INVITE' ? step.answer : [], step.headers ?? []);
  return [take, answer, ...(step.takes === 'INVITE' ? ['<recv request="ACK"/>'] : [])].join('\n');
}

function answering(sdp: readonly string[], headers: readonly string[]): string {
  const fields = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `[last_${name}:]`);
  return message('', ['SIP/2.0 200 OK', ...fields, CONTACT, ALLOW, ...headers], sdp);
}

const CONTACT = 'Contact: <sip:phone@[local_ip]:[local_port];transport=[transport]>';
const ALLOW = 'Allow: INVITE, ACK, CANCEL, BYE, UPDATE';

function sending(
  dialog: InventedDialog,
  method: string,
  cseq: number,
  sdp: readonly string[],
  headers: readonly string[],
): string {
  const request = (name: string): string[] => [
    `${name} [next_url] SIP/2.0`,
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    `From: <sip:phone@192.168.99.9>;tag=${dialog.phoneTag}`,
    `To: <sip:echo@lab.invalid>;tag=${dialog.nodeTag}`,
    'Call-ID: [call_id]',
    `CSeq: ${cseq} ${name}`,
    'Max-Forwards: 70',
  ];
  const steps = [
    message(' retrans="500"', [...request(method), CONTACT, ...headers], sdp),
    '<recv response="100" optional="true"/>',
    '<recv response="200" rrs="true"/>',
  ];
  return (method === 'INVITE' ? [...steps, message('', request('ACK'), [])] : steps).join('\n');
}

function message(attributes: string, head: readonly string[], sdp: readonly string[]): string {
  const body = sdp.length === 0 ? [] : ['v=0', ...sdp];
  const type = sdp.length === 0 ? [] : ['Content-Type: application/sdp'];
  const lines = [...head, ...type, 'Content-Length: [len]', '', ...body, ''];
  return `<send${attributes}>\n<![CDATA[\n\n${lines.join('\n')}\n]]>\n</send>`;
}
