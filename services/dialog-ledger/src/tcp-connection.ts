import type { Socket } from 'node:net';
import { codedError } from '@reinvite/runtime';
import { HepFramer } from '@reinvite/sip';
import type { Intake } from './intake.js';

/** What one read of a socket brings at most; one that brings less has emptied it. */
const READ_BYTES = 64 * 1024;

/** One sender of captures over TCP. It holds less than one packet of what it was sent. */
export class TcpConnection {
  private readonly framer = new HepFramer();
  private readonly sender: string;
  private tornSince: number | null = null;
  /** Whether a packet of use came: whoever does not know the capture password sends none. */
  isOfUse = false;
  /** Reads of the socket, and how many of them left it empty. */
  reads = 0;
  emptied = 0;

  constructor(
    private readonly socket: Socket,
    private readonly intake: Intake,
    onClosed: () => void,
  ) {
    this.sender = socket.remoteAddress ?? '';
    // What an error leaves behind is seen when the socket closes.
    socket.on('error', () => undefined);
    socket.on('data', (piece) => this.take(piece));
    socket.on('close', () => {
      if (this.tornSince !== null)
        intake.dropped(codedError('HEP_TORN', 'a connection ended inside a packet'));
      onClosed();
    });
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  /** Closes a connection that began a packet so long ago and has not ended it. */
  closeIfSlow(limitMs: number): void {
    if (this.tornSince === null || performance.now() - this.tornSince < limitMs) return;
    this.refuse(`no whole packet within ${limitMs} ms`);
  }

  /** Closes and counts it. */
  refuse(why: string): void {
    this.intake.dropped(codedError('HEP_CONNECTION_REFUSED', why, { sender: this.sender }));
    this.close();
  }

  close(): void {
    this.tornSince = null;
    this.socket.destroy();
  }

  private take(piece: Buffer): void {
    this.reads += 1;
    if (piece.length < READ_BYTES) this.emptied += 1;
    try {
      for (const packet of this.framer.push(piece)) {
        this.tornSince = null;
        if (this.intake.packet(packet, this.sender, 'tcp')) this.isOfUse = true;
      }
      if (this.framer.pending > 0) this.tornSince ??= performance.now();
    } catch (error) {
      this.intake.dropped(error);
      this.close();
    }
  }
}
