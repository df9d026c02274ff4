import { open, type FileHandle } from 'node:fs/promises';
import { PcapDecoder, type Datagram } from './pcap.js';

const PIECE_BYTES = 1 << 20;

/** Reads a capture file that is still being written: each `read` takes what has come since the last. */
export class CaptureTail {
  private readonly decoder = new PcapDecoder();
  private readonly piece = Buffer.alloc(PIECE_BYTES);
  private position = 0;

  private constructor(private readonly file: FileHandle) {}

  static async open(path: string): Promise<CaptureTail> {
    return new CaptureTail(await open(path, 'r'));
  }

  /** Not to be called again before it has resolved. */
  async read(take: (datagram: Datagram) => void): Promise<void> {
    for (;;) {
      const { bytesRead } = await this.file.read(this.piece, 0, PIECE_BYTES, this.position);
      if (bytesRead === 0) return;
      this.position += bytesRead;
      this.decoder.push(this.piece.subarray(0, bytesRead), take);
    }
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
