import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '@reinvite/lab';

/** A phone may choose such Call-IDs (`word`, RFC 3261 section 25.1): who reads brackets or quotes in them finds some that are open. */
const CALL_ID = '%u-%p("[@%s';
const LISTEN_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 50;

/** What one SIPp process plays: one scenario, one line of the injection file for each call. */
export interface SippRun {
  readonly name: string;
  readonly scenario: string;
  readonly injection: string;
  readonly calls: number;
  readonly ports: { readonly sip: number; readonly rtp: { readonly min: number; readonly max: number } };
  /** New calls a second; a phone that is called needs none. */
  readonly perSecond?: number;
}

/** A running SIPp in the phones' host. */
export class Sipp {
  private constructor(
    private readonly process: ChildProcess,
    private readonly errors: string,
  ) {}

  /** @param dir directory of this run, relative to the lab's shared one. */
  static async start(lab: Lab, dir: string, run: SippRun): Promise<Sipp> {
    const local = path.join(lab.info.shared, dir, run.name);
    const inside = `/lab/${dir}/${run.name}`;
    await Promise.all([writeFile(`${local}.xml`, run.scenario), writeFile(`${local}.csv`, run.injection)]);
    const phones = lab.info.hosts.phones?.address ?? '';
    const edge = lab.info.hosts.edge?.address ?? '';
    const argv = [
      ...['sipp', `${edge}:5060`, '-sf', `${inside}.xml`, '-inf', `${inside}.csv`],
      ...['-i', phones, '-p', String(run.ports.sip), '-mi', phones, '-t', 'u1', '-aa', '-nostdin'],
      ...['-min_rtp_port', String(run.ports.rtp.min), '-max_rtp_port', String(run.ports.rtp.max)],
      ...['-m', String(run.calls), '-l', String(run.calls), '-r', String(run.perSecond ?? 10)],
      ...['-cid_str', CALL_ID, '-trace_err', '-error_file', `${inside}.err`],
    ];
    const process = lab.spawn('phones', argv, { stdio: 'ignore' });
    const sipp = new Sipp(process, `${local}.err`);
    await sipp.listening(lab, run.ports.sip);
    return sipp;
  }

  /** Waits until the kernel knows the socket. @throws Error with what SIPp complains of where it ends before, or takes too long. */
  private async listening(lab: Lab, port: number): Promise<void> {
    const wanted = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} `);
    const deadline = performance.now() + LISTEN_TIMEOUT_MS;
    for (;;) {
      const { stdout } = await lab.exec('phones', ['cat', '/proc/net/udp']);
      if (wanted.test(stdout)) return;
      if (this.hasEnded()) throw new Error(`SIPp ended at once: ${await this.complaints()}`);
      if (performance.now() > deadline)
        throw new Error(`SIPp does not listen after ${LISTEN_TIMEOUT_MS} ms: ${await this.complaints()}`);
      await delay(LOOK_EVERY_MS);
    }
  }

  private hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** What SIPp found wrong; empty where it found nothing. */
  async complaints(): Promise<string> {
    try {
      return await readFile(this.errors, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (this.hasEnded()) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }
}
