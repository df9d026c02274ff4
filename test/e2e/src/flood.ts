import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Lab } from '@reinvite/lab';
import { xml } from '@reinvite/test-phones';

const PER_SECOND = 1_500;

const OPTIONS = [
  'OPTIONS sip:flood@[remote_ip]:[remote_port] SIP/2.0',
  'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
  'From: <sip:flood@[local_ip]>;tag=[pid]f[call_number]',
  'To: <sip:flood@[remote_ip]>',
  'Call-ID: [call_id]',
  'CSeq: 1 OPTIONS',
  'Max-Forwards: 70',
  'Content-Length: 0',
  '',
  '',
].join('\n');

/** Sends a node requests and waits for no answer. Resolves when all of them are sent. */
export async function flood(lab: Lab, node: string, requests: number): Promise<void> {
  await writeFile(path.join(lab.info.shared, 'flood.xml'), xml.scenario('flood', [xml.send(OPTIONS)], []));
  const count = ['-m', String(requests), '-l', String(requests), '-r', String(PER_SECOND)];
  const to = `${lab.info.hosts[node]?.address ?? ''}:5060`;
  const from = ['-i', lab.info.hosts.phones?.address ?? '', '-p', '7400'];
  const argv = ['sipp', to, '-sf', '/lab/flood.xml', '-nostdin', ...from, ...count];
  const [code] = (await once(lab.spawn('phones', argv, { stdio: 'ignore' }), 'exit')) as [number | null];
  if (code !== 0) throw new Error(`SIPp ended with ${String(code)}`);
}
