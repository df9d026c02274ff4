import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { receiverReport, type ReceiverReport } from './receiver-protocol.js';

/** A process that receives captures, and can be asked what it cost. */
export class Receiver {
  private constructor(private readonly child: ChildProcess) {}

  /** @param program a module beside this one. @param config told to it in its environment. */
  static async start(program: 'floor-process' | 'ledger-process', config: object): Promise<Receiver> {
    const child = fork(fileURLToPath(new URL(`./${program}.js`, import.meta.url)), {
      execArgv: ['--expose-gc'],
      env: { ...process.env, REINVITE_BENCH_CONFIG: JSON.stringify(config) },
    });
    const failed = once(child, 'exit').then(() => Promise.reject(new Error(`${program} ended`)));
    await Promise.race([once(child, 'message'), failed]);
    failed.catch(() => undefined);
    return new Receiver(child);
  }

  async report(): Promise<ReceiverReport> {
    const answer = once(this.child, 'message');
    this.child.send('report');
    const [report] = (await answer) as unknown[];
    return receiverReport.parse(report);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }
}
