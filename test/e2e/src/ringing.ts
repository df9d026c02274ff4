import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Lab } from '@reinvite/lab';
import { xml } from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';

const DIR = 'ringing';
/** Shorter than the edge waits for a final answer by itself (Kamailio's `fr_inv_timer`, 120 s). */
const PATIENCE_MS = 60_000;
const PORTS = { caller: 7_301, callee: 7_302 };
const ROLES = ['caller', 'callee'] as const;
type Role = (typeof ROLES)[number];

/**
 * A call of which the phone that is called rings and never answers: the caller wants a final answer that says 500, the
 * callee a CANCEL, and either of them nothing else. Each is a SIPp whose exit code says whether it was so.
 */
export class RingingCall {
  private constructor(
    private readonly lab: Lab,
    private readonly ended: ReadonlyMap<Role, Promise<unknown[]>>,
  ) {}

  /** Resolves when both phones are there; the caller dials by itself. */
  static async dial(lab: Lab, node: string): Promise<RingingCall> {
    await mkdir(path.join(lab.info.shared, DIR), { recursive: true });
    const ended = new Map<Role, Promise<unknown[]>>();
    for (const role of ['callee', 'caller'] as const) {
      await writeFile(path.join(lab.info.shared, DIR, `${role}.xml`), SCENARIOS[role](node));
      ended.set(role, once(lab.spawn('phones', sipp(lab, role), { stdio: 'ignore' }), 'exit'));
      const bound = PORTS[role].toString(16).toUpperCase();
      await eventually(`the ${role}`, async () =>
        (await lab.exec('phones', ['cat', '/proc/net/udp'])).stdout.includes(`:${bound} `),
      );
    }
    return new RingingCall(lab, ended);
  }

  /** Resolves when both phones have what they wanted, or have waited in vain. @returns what went wrong, for each phone. */
  async problems(): Promise<string[]> {
    const found = ROLES.map(async (role) => {
      const [code] = (await this.ended.get(role)) ?? [];
      return code === 0 ? [] : [`${role}: exit code ${String(code)}: ${await this.errors(role)}`];
    });
    return (await Promise.all(found)).flat();
  }

  /** What SIPp says went wrong; it makes no file where nothing did. */
  private errors(role: Role): Promise<string> {
    const file = path.join(this.lab.info.shared, DIR, `${role}.err`);
    return readFile(file, 'utf8').catch(() => 'nothing said');
  }
}

function sipp({ info }: Lab, role: Role): string[] {
  const file = `/lab/${DIR}/${role}`;
  const address = (host: string): string => info.hosts[host]?.address ?? '';
  return [
    ...['sipp', `${address('edge')}:5060`, '-sf', `${file}.xml`, '-i', address('phones')],
    ...['-p', String(PORTS[role]), '-m', '1', '-nostdin', '-trace_err', '-error_file', `${file}.err`],
  ];
}

const SCENARIOS: Readonly<Record<Role, (node: string) => string>> = {
  caller: (node) =>
    xml.scenario(
      'caller',
      [
        xml.send(invite(node), { retrans: 500 }),
        xml.recv({ response: 100, optional: true }),
        xml.recv({ response: 180 }),
        xml.recv({ response: 500, timeout: PATIENCE_MS }),
        xml.send(ACK),
      ],
      [],
    ),
  callee: () =>
    xml.scenario(
      'callee',
      [
        xml.recv(
          { request: 'INVITE' },
          xml.action('ereg', { regexp: '[0-9]+', search_in: 'hdr', header: 'CSeq:', assign_to: 'cseq' }),
        ),
        xml.send(answer('180 Ringing', '[last_CSeq:]', ['[last_Record-Route:]', CONTACT])),
        xml.recv({ request: 'CANCEL', timeout: PATIENCE_MS }),
        xml.send(answer('200 OK', '[last_CSeq:]')),
        xml.send(answer('487 Request Terminated', 'CSeq: [$cseq] INVITE')),
        xml.recv({ request: 'ACK' }),
      ],
      [],
    ),
};

const TAG = 'tag=[pid]r[call_number]';
const CONTACT = 'Contact: <sip:rings@[local_ip]:[local_port]>';
const VIA = 'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch';
const FROM = `From: <sip:waits@[local_ip]>;${TAG}`;

function lines(...given: readonly string[]): string {
  return `${given.join('\n')}\n`;
}

function invite(node: string): string {
  return lines(
    `INVITE sip:dial-${PORTS.callee}@[remote_ip]:[remote_port] SIP/2.0`,
    `${VIA}]`,
    FROM,
    `To: <sip:dial-${PORTS.callee}@[remote_ip]>`,
    'Call-ID: [call_id]',
    'CSeq: 1 INVITE',
    CONTACT,
    'Max-Forwards: 70',
    `X-Lab-Node: ${node}`,
    'Content-Type: application/sdp',
    'Content-Length: [len]',
    '',
    'v=0',
    'o=- 1 1 IN IP4 [local_ip]',
    's=-',
    'c=IN IP4 [media_ip]',
    't=0 0',
    'm=audio [media_port] RTP/AVP 0',
  );
}

/** Of the same transaction: its branch is that of the INVITE, the first of five messages (RFC 3261 section 17.1.1.3). */
const ACK = lines(
  `ACK sip:dial-${PORTS.callee}@[remote_ip]:[remote_port] SIP/2.0`,
  `${VIA}-4]`,
  FROM,
  `To: <sip:dial-${PORTS.callee}@[remote_ip]>[peer_tag_param]`,
  'Call-ID: [call_id]',
  'CSeq: 1 ACK',
  'Max-Forwards: 70',
  'Content-Length: 0',
  '',
);

function answer(status: string, cseq: string, more: readonly string[] = []): string {
  return lines(
    `SIP/2.0 ${status}`,
    '[last_Via:]',
    '[last_From:]',
    `[last_To:];${TAG}`,
    '[last_Call-ID:]',
    cseq,
    ...more,
    'Content-Length: 0',
    '',
  );
}
