import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { receiverReport, type ReceiverReport } from './receiver-protocol.js';

/** A process that receives captures, and can be asked what it cost. */
export class Receiver {
  /** Never resolves; rejects when the process ends. */
  private readonly ended: Promise<never>;

  /** @param name what the process is called where it ends too early. */
  constructor(
    private readonly child: ChildProcess,
    name: string,
  ) {
    this.ended = once(child, 'exit').then(() => Promise.reject(new Error(`${name} ended`)));
    // It is expected to end; only who waits for it is told.
    this.ended.catch(() => undefined);
  }

  /** @param program a module beside this one. @param config told to it in its environment. */
  static async start(program: 'floor-process' | 'ledger-process', config: object): Promise<Receiver> {
    const child = fork(fileURLToPath(new URL(`./${program}.js`, import.meta.url)), {
      execArgv: ['--expose-gc'],
      env: { ...process.env, REINVITE_BENCH_CONFIG: JSON.stringify(config) },
    });
    const receiver = new Receiver(child, program);
    await receiver.nextMessage();
    return receiver;
  }

  /** @throws Error where the process has ended. */
  async report(): Promise<ReceiverReport> {
    const answer = this.nextMessage();
    // What cannot be sent any more is seen by the end of the process.
    this.child.send('report', () => undefined);
    return receiverReport.parse(await answer);
  }

  private async nextMessage(): Promise<unknown> {
    const waiting = new AbortController();
    const message = once(this.child, 'message', { signal: waiting.signal });
    message.catch(() => undefined);
    try {
      const [first] = (await Promise.race([message, this.ended])) as unknown[];
      return first;
    } finally {
      waiting.abort();
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }
}
