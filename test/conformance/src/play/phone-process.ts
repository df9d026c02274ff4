import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Lab } from '@reinvite/lab';
import type { Case } from '../cases/case.js';
import { bracketed, type Place } from '../phone/messages.js';
import { namesOf } from '../phone/names.js';
import { phoneScript, type Moment } from '../phone/script.js';
import { readTrace, type TracedMessage } from '../judge/trace.js';

const MODES = { udp: 'u1', tcp: 't1', tls: 'l1' } as const;

/** One phone: a SIPp process of its own, which writes down every message that it sends and receives. */
export class PhoneProcess {
  /** Why its call did not come about, where that is not SIPp's to say. */
  trouble = '';

  private constructor(
    readonly test: Case,
    readonly place: Place,
    private readonly process: ChildProcess,
    /** Path of its files on this machine, without their endings. */
    private readonly files: string,
  ) {}

  /** @param dir directory of this run, relative to the lab's shared one. */
  static async start(lab: Lab, dir: string, test: Case, place: Place): Promise<PhoneProcess> {
    const files = path.join(lab.info.shared, dir, test.id);
    const inside = `/lab/${dir}/${test.id}`;
    await writeFile(`${files}.xml`, phoneScript(test, place));
    const { transport, names, timer } = test.factors;
    const argv = [
      ...['sipp', `${bracketed(place.hop.host)}:${place.hop.port}`, '-sf', `${inside}.xml`],
      ...['-i', place.host, '-p', String(place.port), '-t', MODES[transport]],
      // The finest timer costs a tenth of a processor for twenty idle phones.
      ...['-timer_resol', '50', '-m', '1', '-l', '1', '-nostdin', '-cid_str', namesOf(names, test.id).callId],
      ...['-base_cseq', String(test.extras.phoneCseq ?? 1)],
      // What comes unasked is for the verdict, not for SIPp, to judge.
      ...['-default_behaviors', 'all,-bye,-abortunexp,-cseq', '-callid_slash_ign'],
      ...[
        '-trace_msg',
        '-message_file',
        `${inside}.messages`,
        '-trace_err',
        '-error_file',
        `${inside}.errors`,
      ],
      ...['-trace_logs', '-log_file', `${inside}.log`],
      ...(transport === 'tls' ? ['-tls_cert', '/lab/tls/phones.pem', '-tls_key', '/lab/tls/phones.key'] : []),
      ...(timer === 'none' ? [] : ['-aa']),
    ];
    const process = lab.spawn('phones', argv, { stdio: 'ignore' });
    return new PhoneProcess(test, place, process, files);
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Whether the phone has come as far as that, so often. */
  async reached(moment: Moment, times = 1): Promise<boolean> {
    const moments = (await this.read('log')).split('\n');
    return moments.filter((one) => one === moment).length >= times;
  }

  /** Everything that the phone sent and received up to now. */
  async trace(): Promise<TracedMessage[]> {
    return readTrace(await this.read('messages'));
  }

  /** What SIPp found wrong; empty where it found nothing. */
  complaints(): Promise<string> {
    return this.read('errors');
  }

  private async read(ending: string): Promise<string> {
    try {
      return await readFile(`${this.files}.${ending}`, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }
}
