import { once } from 'node:events';
import { copyFile, mkdtemp, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Lab } from '@reinvite/lab';

/** A phone behind a NAT: nothing in the lab can reach this address. */
const PRIVATE_CONTACT = '192.168.99.9';

/**
 * Lets a phone call extension `echo` of a node through the edge, by a SIPp scenario of this directory.
 * @returns when the scenario is over; exit code 0 where everything went as it is written there.
 */
export async function callFromPhone(
  lab: Lab,
  scenario: string,
  port: number,
  node: string,
): Promise<{ exitCode: number | null; errors: string }> {
  const dir = await mkdtemp(path.join(lab.info.shared, 'phone-'));
  const inLab = path.posix.join('/lab', path.basename(dir));
  await copyFile(new URL(`sipp/${scenario}.xml`, import.meta.url), path.join(dir, 'scenario.xml'));
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
  return { exitCode: sipp.exitCode, errors };
}
