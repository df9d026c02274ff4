import { unzipSync } from 'node:zlib';
import { codedError } from '@reinvite/runtime';
import { ipv6FromBytes } from './address.js';
import {
  CHUNK,
  CHUNK_HEADER_BYTES,
  FAMILY_IPV4,
  FAMILY_IPV6,
  HEP_HEADER_BYTES,
  HEP_MAGIC,
  type HepPacket,
} from './packet.js';

/** No SIP message that Asterisk takes is longer; a compressed payload that inflates beyond it is hostile. */
const MAX_PAYLOAD_BYTES = 65_535;

/**
 * Reads one HEPv3 packet. Chunks of other vendors and of unknown types are passed over.
 * @throws CodedError `HEP_UNSUPPORTED` for another version or address family, `HEP_TORN` for lengths that do not fit,
 * a chunk that is missing, or a compressed payload that cannot be inflated within 64 KiB.
 */
export function decodeHep(packet: Buffer): HepPacket {
  const chunks = readChunks(packet);
  const family = u8(chunks, CHUNK.family, 'address family');
  if (family !== FAMILY_IPV4 && family !== FAMILY_IPV6) {
    throw codedError('HEP_UNSUPPORTED', `address family ${family}`);
  }
  const ipVersion = family === FAMILY_IPV4 ? 4 : 6;
  const [source, destination] =
    ipVersion === 4
      ? [ipv4(chunks, CHUNK.sourceIpv4), ipv4(chunks, CHUNK.destinationIpv4)]
      : [ipv6(chunks, CHUNK.sourceIpv6), ipv6(chunks, CHUNK.destinationIpv6)];
  return {
    ipVersion,
    ipProtocol: u8(chunks, CHUNK.ipProtocol, 'IP protocol'),
    source: { address: source, port: u16(chunks, CHUNK.sourcePort, 'source port') },
    destination: { address: destination, port: u16(chunks, CHUNK.destinationPort, 'destination port') },
    at: readTime(chunks),
    protocolType: u8(chunks, CHUNK.protocolType, 'protocol type'),
    captureId: chunks.has(CHUNK.captureId) ? u32(chunks, CHUNK.captureId, 'capture id') : null,
    correlationId: chunks.get(CHUNK.correlationId)?.toString('utf8') ?? null,
    captureName: chunks.get(CHUNK.captureName)?.toString('utf8') ?? null,
    password: chunks.get(CHUNK.password) ?? null,
    payload: readPayload(chunks),
  };
}

type Chunks = ReadonlyMap<number, Buffer>;

function readChunks(packet: Buffer): Chunks {
  if (packet.length < HEP_HEADER_BYTES) throw torn('shorter than its header');
  if (!packet.subarray(0, HEP_MAGIC.length).equals(HEP_MAGIC)) {
    throw codedError('HEP_UNSUPPORTED', 'not HEP version 3');
  }
  const total = packet.readUInt16BE(HEP_MAGIC.length);
  if (total !== packet.length) throw torn(`says ${total} bytes and has ${packet.length}`);
  const chunks = new Map<number, Buffer>();
  for (let offset = HEP_HEADER_BYTES; offset < total;) {
    if (offset + CHUNK_HEADER_BYTES > total) throw torn('ends inside a chunk header');
    const vendor = packet.readUInt16BE(offset);
    const type = packet.readUInt16BE(offset + 2);
    const length = packet.readUInt16BE(offset + 4);
    if (length < CHUNK_HEADER_BYTES || offset + length > total)
      throw torn(`chunk ${type} of ${length} bytes`);
    if (vendor === 0) chunks.set(type, packet.subarray(offset + CHUNK_HEADER_BYTES, offset + length));
    offset += length;
  }
  return chunks;
}

function readPayload(chunks: Chunks): Buffer {
  const plain = chunks.get(CHUNK.payload);
  if (plain !== undefined) return plain;
  const compressed = chunks.get(CHUNK.compressedPayload);
  if (compressed === undefined) throw torn('has no payload');
  try {
    // zlib or gzip, as their headers say: senders do either.
    return unzipSync(compressed, { maxOutputLength: MAX_PAYLOAD_BYTES });
  } catch (cause) {
    throw codedError('HEP_TORN', 'the compressed payload cannot be inflated', {}, cause);
  }
}

function readTime(chunks: Chunks): number {
  const microseconds = u32(chunks, CHUNK.microseconds, 'microseconds');
  if (microseconds >= 1_000_000) throw torn(`${microseconds} microseconds`);
  return u32(chunks, CHUNK.seconds, 'seconds') * 1_000_000 + microseconds;
}

function ipv4(chunks: Chunks, type: number): string {
  return [...sized(chunks, type, 4, 'IPv4 address')].join('.');
}

/** RFC 5952 text, so that it can be compared with a configured address. */
function ipv6(chunks: Chunks, type: number): string {
  return ipv6FromBytes(sized(chunks, type, 16, 'IPv6 address'));
}

const u8 = (chunks: Chunks, type: number, what: string): number => sized(chunks, type, 1, what).readUInt8();
const u16 = (chunks: Chunks, type: number, what: string): number =>
  sized(chunks, type, 2, what).readUInt16BE();
const u32 = (chunks: Chunks, type: number, what: string): number =>
  sized(chunks, type, 4, what).readUInt32BE();

function sized(chunks: Chunks, type: number, length: number, what: string): Buffer {
  const value = chunks.get(type);
  if (value?.length !== length) throw torn(`${what}: ${value?.length ?? 'no'} bytes instead of ${length}`);
  return value;
}

function torn(why: string): Error {
  return codedError('HEP_TORN', `the packet ${why}`);
}
