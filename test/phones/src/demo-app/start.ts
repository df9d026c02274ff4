import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Lab } from '@reinvite/lab';
import { codedError } from '@reinvite/runtime';

/** The compiled program, also where this module runs from its source. */
const MAIN = fileURLToPath(new URL('../../dist/demo-app/main.js', import.meta.url));

/**
 * Starts the demo application in the lab's `core`; resolves when it is connected to every node. It ends with the lab, or
 * with this process. Its log is `demo-app.log` among the lab's.
 * @throws CodedError `LAB_COMMAND_FAILED` where it ends before it is ready.
 */
export async function startDemoApp(lab: Lab): Promise<void> {
  const { config = '', hosts, logs } = lab.info;
  const argv = [process.execPath, MAIN, config, hosts.edge?.address ?? ''];
  const child = lab.spawn('core', argv, { files: 'machine', stdio: ['ignore', 'pipe', 'pipe'] });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new TypeError('the application was spawned without pipes');
  const log = createWriteStream(path.join(logs, 'demo-app.log'), { flags: 'a' });
  stderr.pipe(log, { end: false });
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: stdout }).on('line', (line) => {
      log.write(`${line}\n`);
      if (line.includes('"msg":"ready"')) resolve();
    });
    child.once('exit', (code) => {
      reject(
        codedError('LAB_COMMAND_FAILED', `the demo application ended with ${code}: see ${logs}/demo-app.log`),
      );
    });
  });
}
