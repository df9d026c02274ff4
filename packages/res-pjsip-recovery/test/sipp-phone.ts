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
  const sipp = lab.spawn(
    'phones',
    ['sipp', `${lab.info.hosts['edge']?.address ?? ''}:5060`, ...what, ...where, ...keys, ...output],
    { stdio: 'ignore' },
  );
  await once(sipp, 'exit');
  const errors = await readFile(path.join(dir, 'errors'), 'utf8').catch(() => '');
  return { exitCode: sipp.exitCode, errors: withoutWarnings(errors) };
}

/** SIPp counts a machine that has much else to do among the errors. */
function withoutWarnings(errors: string): string {
  const lines = errors.split('\n').filter((line) => line !== '' && !line.includes('Overload warning'));
  return lines.length === 1 && lines[0]?.startsWith('The following events') === true ? '' : lines.join('\n');
}
