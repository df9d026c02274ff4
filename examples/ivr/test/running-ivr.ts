import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Lab } from '@reinvite/lab';

/** The compiled program. */
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
/** Half a minute long: a crash in the middle of it is one in the middle of the prompt. */
const PROMPT = 'sound:demo-congrats';

/** A line that the application has written. */
export interface Line {
  readonly what: string;
  readonly callId?: string;
  readonly channelId?: string;
  readonly step?: string;
  readonly digits?: string;
}

/** The example in the lab's `core`, with the rights on NATS that an application has. It ends with the lab. */
export class RunningIvr {
  readonly lines: Line[] = [];

  private constructor(private readonly billing: string) {}

  /** Resolves when every node has taken the application. @throws Error where it ends before, with what it said. */
  static async start(lab: Lab): Promise<RunningIvr> {
    const { config = '', shared, ari, nats, natsTls } = lab.info;
    const ivr = new RunningIvr(path.join(shared, 'billing.jsonl'));
    const settings = {
      nodes: Object.values(ari),
      // Without the login of the lab's own, which may do everything.
      flow: {
        servers: [nats.replace(/\/\/[^@]*@/, '//')],
        nkeyFile: path.join(path.dirname(config), 'secrets/nats/{service}.nk'),
        tls: natsTls,
      },
      prompt: PROMPT,
      billing: ivr.billing,
    };
    const file = path.join(shared, 'ivr.json');
    await writeFile(file, JSON.stringify(settings), { mode: 0o600 });
    await writeFile(ivr.billing, '');
    const child = lab.spawn('core', [process.execPath, MAIN, file], {
      files: 'machine',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new TypeError('the application was spawned without pipes');
    let complaints = '';
    stderr.on('data', (text: Buffer) => (complaints += text.toString()));
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: stdout }).on('line', (text) => {
        const line = JSON.parse(text) as Line;
        ivr.lines.push(line);
        if (line.what === 'ready') resolve();
      });
      child.once('exit', (code) => reject(new Error(`the application ended with ${code}: ${complaints}`)));
    });
    return ivr;
  }

  /** What it said of a call, in order. */
  of(callId: string, what: string): Line[] {
    return this.lines.filter((line) => line.callId === callId && line.what === what);
  }

  /** How often a call was charged. */
  async charges(callId: string): Promise<number> {
    const lines = (await readFile(this.billing, 'utf8')).split('\n').filter((line) => line !== '');
    return lines.filter((line) => (JSON.parse(line) as Line).callId === callId).length;
  }
}
