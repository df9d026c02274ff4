import { isIPv4, isIPv6 } from 'node:net';
import { deflateSync } from 'node:zlib';
import { codedError } from '@reinvite/runtime';
import {
  CHUNK,
  CHUNK_HEADER_BYTES,
  FAMILY_IPV4,
  FAMILY_IPV6,
  HEP_HEADER_BYTES,
  HEP_MAGIC,
  type HepPacket,
} from './packet.js';

/** What {@link encodeHep} is to write: a packet, its payload compressed or not. */
export type HepContent = Omit<HepPacket, 'password'> & {
  readonly password?: Buffer | null;
  readonly compress?: boolean;
};

/**
 * Writes a HEPv3 packet as Asterisk's `res_hep` does; for tests and tools.
 * @throws CodedError `HEP_UNSUPPORTED` for addresses that do not fit `ipVersion`, or more than 65,535 bytes.
 */
export function encodeHep(content: HepContent): Buffer {
  const chunks = [
    chunk(CHUNK.family, u8(content.ipVersion === 4 ? FAMILY_IPV4 : FAMILY_IPV6)),
    chunk(CHUNK.ipProtocol, u8(content.ipProtocol)),
    chunk(
      content.ipVersion === 4 ? CHUNK.sourceIpv4 : CHUNK.sourceIpv6,
      address(content.source.address, content.ipVersion),
    ),
    chunk(
      content.ipVersion === 4 ? CHUNK.destinationIpv4 : CHUNK.destinationIpv6,
      address(content.destination.address, content.ipVersion),
    ),
    chunk(CHUNK.sourcePort, u16(content.source.port)),
    chunk(CHUNK.destinationPort, u16(content.destination.port)),
    chunk(CHUNK.seconds, u32(Math.floor(content.at / 1_000_000))),
    chunk(CHUNK.microseconds, u32(content.at % 1_000_000)),
    chunk(CHUNK.protocolType, u8(content.protocolType)),
  ];
  if (content.captureId !== null) chunks.push(chunk(CHUNK.captureId, u32(content.captureId)));
  if (content.password) chunks.push(chunk(CHUNK.password, content.password));
  if (content.correlationId !== null)
    chunks.push(chunk(CHUNK.correlationId, Buffer.from(content.correlationId)));
  if (content.captureName !== null) chunks.push(chunk(CHUNK.captureName, Buffer.from(content.captureName)));
  chunks.push(
    content.compress === true
      ? chunk(CHUNK.compressedPayload, deflateSync(content.payload))
      : chunk(CHUNK.payload, content.payload),
  );
  const total = HEP_HEADER_BYTES + chunks.reduce((sum, { length }) => sum + length, 0);
  if (total > 0xffff) throw codedError('HEP_UNSUPPORTED', `${total} bytes do not fit into one packet`);
  return Buffer.concat([HEP_MAGIC, u16(total), ...chunks]);
}

function chunk(type: number, value: Buffer): Buffer {
  return Buffer.concat([u16(0), u16(type), u16(CHUNK_HEADER_BYTES + value.length), value]);
}

function address(text: string, ipVersion: 4 | 6): Buffer {
  if (ipVersion === 4 ? !isIPv4(text) : !isIPv6(text)) {
    throw codedError('HEP_UNSUPPORTED', `${text} is no IPv${ipVersion} address`);
  }
  return ipVersion === 4 ? Buffer.from(text.split('.').map(Number)) : ipv6Bytes(text);
}

function ipv6Bytes(text: string): Buffer {
  const [head = '', tail] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return Buffer.concat([...before, ...zeros, ...after].map((group) => u16(Number.parseInt(group, 16))));
}

function u8(value: number): Buffer {
  return Buffer.from([value]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
