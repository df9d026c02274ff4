import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Lab } from '@reinvite/lab';
import { SOUNDS } from '../play/names.js';

/** The compiled program of examples/ivr. */
const MAIN = fileURLToPath(new URL('../../../../examples/ivr/dist/main.js', import.meta.url));

/** File to which the example adds each charge. */
export function billingOf({ info }: Lab): string {
  return path.join(info.shared, 'billing.jsonl');
}

/**
 * Starts the example application in the lab's `core`; resolves when every node has taken it. It ends with the lab, whose
 * logs have what it says as `ivr.log`.
 */
export async function startIvr(lab: Lab): Promise<void> {
  const { config = '', shared, ari, nats, natsTls } = lab.info;
  const billing = billingOf(lab);
  const settings = {
    nodes: Object.values(ari),
    // Without the login of the lab's own, which may do everything.
    flow: {
      servers: [nats.replace(/\/\/[^@]*@/, '//')],
      nkeyFile: path.join(path.dirname(config), 'secrets/nats/{service}.nk'),
      tls: natsTls,
    },
    prompt: `sound:${SOUNDS}/prompt`,
    billing,
  };
  const file = path.join(shared, 'ivr.json');
  await writeFile(file, JSON.stringify(settings), { mode: 0o600 });
  await writeFile(billing, '');
  const child = lab.spawn('core', [process.execPath, MAIN, file], {
    files: 'machine',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new TypeError('the application was spawned without pipes');
  const log = createWriteStream(path.join(lab.info.logs, 'ivr.log'), { flags: 'a' });
  let complaints = '';
  stderr.on('data', (text: Buffer) => (complaints += text.toString()));
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: stdout }).on('line', (text) => {
      log.write(`${text}\n`);
      if ((JSON.parse(text) as { what: string }).what === 'ready') resolve();
    });
    child.once('exit', (code) => reject(new Error(`the application ended with ${code}: ${complaints}`)));
  });
}
