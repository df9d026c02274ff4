import { randomBytes } from 'node:crypto';
import { createSocket, type Socket, type SocketType } from 'node:dgram';
import { behind } from './intake.js';

const MARK_BYTES = 32;
/** A mark is lost where the buffer is full: then the next one says the same, later. */
const REPEAT_MS = 5;

/**
 * Tells when everything has been read that stood in the buffer of a UDP socket. The buffer is a queue: a datagram that we
 * send to the socket ourselves comes out after all that was in it before, and how much goes on coming in does not matter.
 */
export class DrainMarks {
  private readonly sender: Socket;
  private readonly waiting = new Map<string, () => void>();
  private isOpen = true;

  constructor(
    type: SocketType,
    private readonly host: string,
    private readonly port: number,
  ) {
    this.sender = createSocket(type);
    // A mark that cannot be sent is one that does not come back.
    this.sender.on('error', () => undefined);
    this.sender.unref();
  }

  /** Whether a datagram is one of ours, which is awaited or was. Nobody else knows their random bytes. */
  isMark(datagram: Buffer): boolean {
    if (this.waiting.size === 0 || datagram.length !== MARK_BYTES) return false;
    const pass = this.waiting.get(datagram.toString('hex'));
    pass?.();
    return pass !== undefined;
  }

  /** Resolves when all that stands in the buffer now has been read. @throws CodedError `LEDGER_BEHIND` */
  async passed(withinMs: number): Promise<void> {
    const mark = randomBytes(MARK_BYTES);
    const key = mark.toString('hex');
    let repeat: NodeJS.Timeout | undefined;
    let limit: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const send = (): void => this.send(mark);
        this.waiting.set(key, resolve);
        repeat = setInterval(send, REPEAT_MS);
        limit = setTimeout(() => reject(behind('UDP', withinMs)), withinMs);
        send();
      });
    } finally {
      clearInterval(repeat);
      clearTimeout(limit);
      // One that was sent twice may still come.
      setTimeout(() => this.waiting.delete(key), 1_000).unref();
    }
  }

  close(): void {
    this.isOpen = false;
    this.sender.close();
  }

  private send(mark: Buffer): void {
    if (!this.isOpen) return;
    const loopback = this.host === '::' ? '::1' : '127.0.0.1';
    const isAny = this.host === '::' || this.host === '0.0.0.0';
    this.sender.send(mark, this.port, isAny ? loopback : this.host, () => undefined);
  }
}
