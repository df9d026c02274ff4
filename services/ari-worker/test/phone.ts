import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Lab } from '@reinvite/lab';
import { eventually } from '@reinvite/test-support';

/** A phone that answers INVITEs, be they new or within a dialog: SIPp in the lab's `phones` host. */
export class Phone {
  private constructor(
    private readonly file: string,
    readonly port: number,
    private readonly end: () => Promise<void>,
  ) {}

  /** @param response of the phone to an INVITE, after `pauseMs`; one that holds answers `sendonly`. */
  static async start(
    lab: Lab,
    port: number,
    response: '200 OK' | `${number} ${string}`,
    pauseMs = 0,
    direction: 'sendrecv' | 'sendonly' = 'sendrecv',
  ): Promise<Phone> {
    const dir = await mkdtemp(path.join(lab.info.shared, 'phone-'));
    const inLab = path.posix.join('/lab', path.basename(dir));
    const address = lab.info.hosts['phones']?.address ?? '';
    await writeFile(path.join(dir, 'phone.xml'), scenario(response, pauseMs, direction));
    await writeFile(path.join(dir, 'messages'), '');
    const argv = ['sipp', '-sf', `${inLab}/phone.xml`, '-i', address, '-p', String(port), '-nostdin'];
    const sipp = lab.spawn('phones', [...argv, '-trace_msg', '-message_file', `${inLab}/messages`], {
      stdio: 'ignore',
    });
    const ended = once(sipp, 'exit');
    await eventually('SIPp to listen', async () => {
      if (sipp.exitCode !== null) throw new Error(`SIPp ended with ${sipp.exitCode}`);
      const { stdout } = await lab.exec('phones', ['ss', '-Hlun', `sport = :${port}`]);
      return stdout.trim() !== '';
    });
    return new Phone(path.join(dir, 'messages'), port, async () => {
      sipp.kill('SIGKILL');
      await ended;
    });
  }

  /** Requests of this method that the phone has received, as text. */
  async received(method: string): Promise<string[]> {
    const text = await readFile(this.file, 'utf8');
    return text
      .split(/^-{10,}.*$/m)
      .filter((entry) => entry.includes('message received'))
      .map((entry) => entry.slice(entry.indexOf('\n\n') + 2))
      .filter((message) => message.startsWith(`${method} `));
  }

  stop(): Promise<void> {
    return this.end();
  }
}

function scenario(response: string, pauseMs: number, direction: string): string {
  const ok = response.startsWith('2');
  const answer = ok
    ? `Contact: <sip:phone@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=phone 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 40000 RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=${direction}
`
    : 'Content-Length: 0\n\n';
  return `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="phone">
  <recv request="INVITE" rrs="true"/>
  <pause milliseconds="${pauseMs}"/>
  <send retrans="500"><![CDATA[
SIP/2.0 ${response}
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
[last_Record-Route:]
${answer}]]></send>
  <recv request="ACK"/>
  ${ok ? BYE : ''}
</scenario>
`;
}

const BYE = `<recv request="BYE"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>`;
