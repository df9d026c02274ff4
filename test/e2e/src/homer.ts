import { once } from 'node:events';
import { appendFile } from 'node:fs/promises';
import { ACCOUNT, FAKE_HOMER_MAIN } from '@reinvite/fake-homer';
import type { Lab } from '@reinvite/lab';
import { eventually } from '@reinvite/test-support';

const HEP_PORT = '9060';
const HTTP_PORT = '9080';

/**
 * Puts a HOMER in the place of the dialog-ledger: the lab's Asterisks send to it what they had sent to the ledger, which is
 * stopped, and recovery is started anew with HOMER as its only source.
 */
export async function homerInsteadOfLedger(lab: Lab, version: 7 | 11): Promise<void> {
  const core = lab.info.hosts.core?.address ?? '';
  await lab.stop('dialog-ledger');
  const argv = [process.execPath, FAKE_HOMER_MAIN, core, HEP_PORT, HTTP_PORT];
  const fake = lab.spawn('core', argv, { files: 'machine', stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  fake.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = once(fake, 'exit').then(() => {
    throw new Error('the fake HOMER has ended');
  });
  await Promise.race([ended, eventually('HOMER to listen', () => said.includes('ready'))]);
  ended.catch(() => undefined);
  const { config } = lab.info;
  if (config === undefined) throw new Error('the lab has no configuration');
  const { username, password } = ACCOUNT;
  const homer = { version, url: `http://${core}:${HTTP_PORT}`, username, password };
  await appendFile(config, `\ndialogs: {"sources":"homer"}\nhomer: ${JSON.stringify(homer)}\n`);
  await lab.restart('recovery');
}
