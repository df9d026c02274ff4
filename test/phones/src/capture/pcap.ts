/**
 * Reading of what tcpdump writes (the classic libpcap format, draft-ietf-opsawg-pcap), for UDP over IPv4 over Ethernet.
 * Own code since the packages on npm are bindings to libpcap or unmaintained, and the format is this short.
 */

/** One UDP datagram as the phones' interface saw it. */
export interface Datagram {
  /** Milliseconds since the Unix epoch, with microseconds in the fraction. */
  readonly at: number;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly targetAddress: string;
  readonly targetPort: number;
  /** As far as it was captured. Part of the reader's buffer: to be read at once, or copied. */
  readonly payload: Buffer;
}

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET_HEADER = 14;
const LINK_ETHERNET = 1;
const MICROSECOND_MAGIC = 0xa1b2c3d4;
const NANOSECOND_MAGIC = 0xa1b23c4d;

/** Takes the bytes of one capture file as they come, in pieces of any size. */
export class PcapDecoder {
  private pending: Buffer = Buffer.alloc(0);
  private format: { readonly littleEndian: boolean; readonly fractionsPerMs: number } | undefined;

  /**
   * Gives every whole datagram of what has come so far to `take`; other frames are left out.
   * @throws Error for bytes that are no capture file of an Ethernet interface.
   */
  push(bytes: Buffer, take: (datagram: Datagram) => void): void {
    const data = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes]);
    let offset = 0;
    if (this.format === undefined) {
      if (data.length < FILE_HEADER) {
        this.pending = data;
        return;
      }
      this.format = readFileHeader(data);
      offset = FILE_HEADER;
    }
    const { littleEndian, fractionsPerMs } = this.format;
    const u32 = (at: number): number => (littleEndian ? data.readUInt32LE(at) : data.readUInt32BE(at));
    while (offset + RECORD_HEADER <= data.length) {
      const end = offset + RECORD_HEADER + u32(offset + 8);
      if (end > data.length) break;
      const at = u32(offset) * 1000 + u32(offset + 4) / fractionsPerMs;
      const datagram = readFrame(data.subarray(offset + RECORD_HEADER, end), at);
      if (datagram !== undefined) take(datagram);
      offset = end;
    }
    this.pending = Buffer.from(data.subarray(offset));
  }
}

function readFileHeader(data: Buffer): { littleEndian: boolean; fractionsPerMs: number } {
  const littleEndian = [MICROSECOND_MAGIC, NANOSECOND_MAGIC].includes(data.readUInt32LE(0));
  const magic = littleEndian ? data.readUInt32LE(0) : data.readUInt32BE(0);
  if (magic !== MICROSECOND_MAGIC && magic !== NANOSECOND_MAGIC) throw new Error('no capture file');
  const link = (littleEndian ? data.readUInt32LE(20) : data.readUInt32BE(20)) & 0x0fffffff;
  if (link !== LINK_ETHERNET) throw new Error(`a capture of link type ${link}, not of Ethernet`);
  return { littleEndian, fractionsPerMs: magic === NANOSECOND_MAGIC ? 1e6 : 1e3 };
}

function readFrame(frame: Buffer, at: number): Datagram | undefined {
  if (frame.length < ETHERNET_HEADER + 28 || frame.readUInt16BE(12) !== 0x0800) return undefined;
  const ip = frame.subarray(ETHERNET_HEADER);
  const headerLength = ((ip[0] ?? 0) & 0x0f) * 4;
  const laterFragment = (ip.readUInt16BE(6) & 0x1fff) !== 0;
  if (ip[9] !== 17 || laterFragment || ip.length < headerLength + 8) return undefined;
  const udp = ip.subarray(headerLength);
  return {
    at,
    sourceAddress: address(ip, 12),
    sourcePort: udp.readUInt16BE(0),
    targetAddress: address(ip, 16),
    targetPort: udp.readUInt16BE(2),
    payload: udp.subarray(8, Math.max(8, udp.readUInt16BE(4))),
  };
}

function address(ip: Buffer, offset: number): string {
  return `${ip[offset]}.${ip[offset + 1]}.${ip[offset + 2]}.${ip[offset + 3]}`;
}
