import { codedError } from '@reinvite/runtime';
import { CHUNK_HEADER_BYTES, HEP_HEADER_BYTES, HEP_MAGIC } from './packet.js';

/** Each buffer costs far more than the byte that it may hold. */
const MAX_PIECES = 64;

/**
 * Cuts a stream of bytes, as TCP gives them, into HEPv3 packets by the total length in their headers. It holds one torn
 * packet at most, which is less than 64 KiB, in few buffers: small pieces are put together before they are many.
 */
export class HepFramer {
  private pieces: Buffer[] = [];
  private held = 0;
  /** What must be there before anything can be done: a header, then a whole packet. */
  private wanted = HEP_HEADER_BYTES;

  /** Bytes of a packet that is not whole yet. */
  get pending(): number {
    return this.held;
  }

  /**
   * @returns the packets that are whole now. They share the memory of what was pushed.
   * @throws CodedError `HEP_UNSUPPORTED` or `HEP_TORN` where no packet begins at a place where one has to: the stream is of no
   * use from there on.
   */
  push(piece: Buffer): Buffer[] {
    this.pieces.push(piece);
    this.held += piece.length;
    const packets: Buffer[] = [];
    if (this.held < this.wanted) {
      if (this.pieces.length > MAX_PIECES) this.pieces = [Buffer.concat(this.pieces, this.held)];
      return packets;
    }
    const bytes = this.pieces.length === 1 ? piece : Buffer.concat(this.pieces, this.held);
    let start = 0;
    for (;;) {
      const left = bytes.length - start;
      this.wanted = left < HEP_HEADER_BYTES ? HEP_HEADER_BYTES : lengthOf(bytes, start);
      if (left < this.wanted) break;
      packets.push(bytes.subarray(start, start + this.wanted));
      start += this.wanted;
    }
    // A copy: the rest must not hold what it was cut from.
    const rest = Buffer.from(bytes.subarray(start));
    this.pieces = rest.length === 0 ? [] : [rest];
    this.held = rest.length;
    return packets;
  }
}

function lengthOf(bytes: Buffer, start: number): number {
  if (!bytes.subarray(start, start + HEP_MAGIC.length).equals(HEP_MAGIC)) {
    throw codedError('HEP_UNSUPPORTED', 'no HEP version 3 packet where one should begin');
  }
  const length = bytes.readUInt16BE(start + HEP_MAGIC.length);
  if (length < HEP_HEADER_BYTES + CHUNK_HEADER_BYTES)
    throw codedError('HEP_TORN', `a packet of ${length} bytes`);
  return length;
}
