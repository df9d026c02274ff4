import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '@reinvite/lab';
import { RTP_PORTS } from '../scenario/ports.js';

/** Kernel buffer in KiB: tcpdump may be kept off the processor for a while when a node dies. */
const BUFFER_KIB = 65_536;
/** Ethernet, IP, UDP and RTP headers and the first bytes of the voice. */
const RTP_SNAPLEN = 64;
/**
 * More than a frame of the lab's network (MTU 1500). In immediate mode each packet takes so much of the buffer, however short it is:
 * without a limit the buffer has room for 256.
 */
const SIP_SNAPLEN = 4_096;
/** Without immediate mode the kernel hands packets over in blocks, after a second at most. */
const BLOCK_MS = 1_100;

/**
 * What is captured at the phones' interface: all SIP, the beginning of each RTP packet that the phones receive, or those packets
 * with all of their voice.
 */
export type CaptureKind = 'sip' | 'rtp' | 'voice';

/** A running tcpdump on the phones' interface. */
export class Capture {
  private stderr = '';

  private constructor(
    readonly file: string,
    private readonly process: ChildProcess,
    private readonly kind: CaptureKind,
  ) {
    process.stderr?.on('data', (text: Buffer) => (this.stderr += text.toString()));
  }

  /** Resolves once packets are being captured. */
  static async start(lab: Lab, kind: CaptureKind): Promise<Capture> {
    const name = `${kind}-${Date.now()}-${Math.round(Math.random() * 1e6)}.pcap`;
    const file = path.join(lab.info.shared, name);
    const phones = lab.info.hosts.phones?.address ?? '';
    const media = `portrange ${RTP_PORTS.min}-${RTP_PORTS.max}`;
    const received = `udp and dst host ${phones} and dst ${media}`;
    const what = {
      sip: { filter: `udp and not ${media}`, options: ['-s', String(SIP_SNAPLEN), '-U', '--immediate-mode'] },
      rtp: { filter: received, options: ['-s', String(RTP_SNAPLEN)] },
      voice: { filter: received, options: ['-s', '0', '-U'] },
    }[kind];
    const argv = [
      'tcpdump',
      '-i',
      'eth0',
      '-n',
      '-p',
      '-Z',
      'root',
      '-B',
      String(BUFFER_KIB),
      ...what.options,
    ];
    const process = lab.spawn('phones', [...argv, '-w', `/lab/${name}`, what.filter], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const capture = new Capture(file, process, kind);
    await capture.started();
    return capture;
  }

  private async started(): Promise<void> {
    while (!this.stderr.includes('listening on') || !existsSync(this.file)) {
      if (this.process.exitCode !== null) throw new Error(`tcpdump ended at once: ${this.stderr}`);
      await delay(10);
    }
  }

  /**
   * Ends the capture and writes what it holds.
   * @returns how many packets the kernel had to drop: such a capture proves nothing.
   */
  async stop(): Promise<{ readonly dropped: number }> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      if (this.kind !== 'sip') await delay(BLOCK_MS);
      const ended = once(this.process, 'exit');
      this.process.kill('SIGINT');
      await ended;
    }
    return { dropped: Number(/(\d+) packets? dropped by kernel/.exec(this.stderr)?.[1] ?? 0) };
  }
}
