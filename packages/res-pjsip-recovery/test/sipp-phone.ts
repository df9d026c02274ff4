import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Lab } from '@reinvite/lab';

/** A phone behind a NAT: nothing in the lab can reach this address. */
const PRIVATE_CONTACT = '192.168.99.9';

/**
 * Lets a phone call extension `echo` of a node through the edge, by a SIPp scenario of this directory.
 * @param more what stands in the scenario for `[name]`; SIPp itself wants a status code in full
 * @returns when the scenario is over; exit code 0 where everything went as it is written there.
 */
export async function callFromPhone(
  lab: Lab,
  scenario: string,
  port: number,
  node: string,
  more: Readonly<Record<string, string>> = {},
): Promise<{ exitCode: number | null; errors: string }> {
  const { exitCode, errors } = await runPhone(lab, scenario, port, node, more);
  return { exitCode, errors };
}

/** A request of the phone within its dialog: headers beyond those that every one has, and a body. */
export interface Ask {
  readonly method: string;
  readonly headers: readonly string[];
  readonly body?: string;
}

/**
 * As {@link callFromPhone}, by the scenario `phone-asks`.
 * @param isRecovered whether the phone waits for a re-INVITE of another node first
 * @returns the method and the final status of each request, in order; SIPp's errors where there were any.
 */
export async function askFromPhone(
  lab: Lab,
  port: number,
  node: string,
  asks: readonly Ask[],
  isRecovered: boolean,
): Promise<string[]> {
  const { exitCode, errors, log } = await runPhone(lab, 'phone-asks', port, node, {
    'if-recovered-begin': isRecovered ? '' : '<!--',
    'if-recovered-end': isRecovered ? '' : '-->',
    asks: asks.map((ask, index) => asking(ask, index + 2)).join('\n'),
  });
  return exitCode === 0 && errors === '' ? log.split('\n').filter((line) => line !== '') : [errors];
}

/** Final answers that SIPp is told of one by one; it knows no pattern. */
const FINAL = [200, 202, 400, 403, 404, 405, 408, 415, 420, 481, 488, 489, 500, 501, 503, 603];

function asking({ method, headers, body = '' }: Ask, cseq: number): string {
  const head = [
    `${method} [next_url] SIP/2.0`,
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    '[routes]',
    'From: "Phone, \\"one\\"" <sip:phone@[contact]>;tag=[pid]-p-[call_number]',
    'To: <sip:[service]@[remote_ip]>[$node_tag]',
    'Call-ID: [call_id]',
    `CSeq: ${cseq} ${method}`,
    'Contact: <sip:phone@[contact]:5062>',
    'Max-Forwards: 70',
    ...headers,
    'Content-Length: [len]',
  ];
  const answers = FINAL.map((status, index) => {
    const optional = index < FINAL.length - 1 ? ' optional="true"' : '';
    const log = `<action><log message="${method} ${status}"/></action>`;
    return `<recv response="${status}"${optional} next="${cseq}">${log}</recv>`;
  });
  return [
    `<send retrans="500"><![CDATA[\n${head.join('\n')}\n\n${body}\n]]></send>`,
    ...answers,
    `<label id="${cseq}"/>`,
  ].join('\n');
}

async function runPhone(
  lab: Lab,
  scenario: string,
  port: number,
  node: string,
  more: Readonly<Record<string, string>>,
): Promise<{ exitCode: number | null; errors: string; log: string }> {
  const dir = await mkdtemp(path.join(lab.info.shared, 'phone-'));
  const inLab = path.posix.join('/lab', path.basename(dir));
  const written = await readFile(new URL(`sipp/${scenario}.xml`, import.meta.url), 'utf8');
  const filled = Object.entries(more).reduce(
    (text, [key, value]) => text.replaceAll(`[${key}]`, value),
    written,
  );
  await writeFile(path.join(dir, 'scenario.xml'), filled);
  const address = lab.info.hosts['phones']?.address ?? '';
  const what = ['-sf', `${inLab}/scenario.xml`, '-s', 'echo', '-m', '1', '-timeout', '40'];
  const where = ['-i', address, '-mi', address, '-p', String(port)];
  const keys = ['-key', 'contact', PRIVATE_CONTACT, '-key', 'node', node];
  const output = ['-nostdin', '-trace_err', '-error_file', `${inLab}/errors`];
  const logs = ['-trace_logs', '-log_file', `${inLab}/log`];
  const sipp = lab.spawn(
    'phones',
    ['sipp', `${lab.info.hosts['edge']?.address ?? ''}:5060`, ...what, ...where, ...keys, ...output, ...logs],
    { stdio: 'ignore' },
  );
  await once(sipp, 'exit');
  const errors = await readFile(path.join(dir, 'errors'), 'utf8').catch(() => '');
  const log = await readFile(path.join(dir, 'log'), 'utf8').catch(() => '');
  return { exitCode: sipp.exitCode, errors: withoutWarnings(errors), log };
}

/** SIPp counts a machine that has much else to do among the errors. */
function withoutWarnings(errors: string): string {
  const lines = errors.split('\n').filter((line) => line !== '' && !line.includes('Overload warning'));
  return lines.length === 1 && lines[0]?.startsWith('The following events') === true ? '' : lines.join('\n');
}
