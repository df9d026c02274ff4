import { describe, expect, it } from 'vitest';
import { PcapDecoder, type Datagram } from '../src/capture/pcap.js';
import { CallerScript, captureFile, voiceAt } from './frames.js';

const sent = [
  ...new CallerScript({ callId: 'a@phone' }).established(1_700_000_000_000.5, 'ast1'),
  ...voiceAt(20_000, 1_700_000_001_000, 1_700_000_001_100),
];

function decode(pieces: readonly Buffer[]): Datagram[] {
  const decoder = new PcapDecoder();
  const taken: Datagram[] = [];
  for (const piece of pieces) {
    decoder.push(piece, (datagram) => taken.push({ ...datagram, payload: Buffer.from(datagram.payload) }));
  }
  return taken;
}

describe('a capture file', () => {
  const file = captureFile(sent);

  it('gives back every datagram with its time to the microsecond', () => {
    expect(decode([file])).toEqual(sent);
  });

  it('may come in pieces of any size', () => {
    for (const size of [1, 7, 100, 1_000]) {
      const pieces = Array.from({ length: Math.ceil(file.length / size) }, (_, n) =>
        file.subarray(n * size, (n + 1) * size),
      );
      expect(decode(pieces)).toEqual(sent);
    }
  });

  it('that ends in the middle of a packet gives the packets before', () => {
    expect(decode([file.subarray(0, file.length - 1)])).toEqual(sent.slice(0, -1));
  });

  it('of nanoseconds and of big-endian machines is read too', () => {
    const nano = Buffer.from(captureFile(sent.slice(0, 1)));
    nano.writeUInt32LE(0xa1b23c4d, 0);
    nano.writeUInt32LE(500_000, 28);
    expect(decode([nano])[0]?.at).toBe(1_700_000_000_000.5);
    const big = Buffer.from(captureFile(sent.slice(0, 1)));
    for (const offset of [0, 16, 20, 24, 28, 32, 36]) big.writeUInt32BE(big.readUInt32LE(offset), offset);
    expect(decode([big])).toEqual(sent.slice(0, 1));
  });

  it('of something else than Ethernet is refused, and so is what is no capture', () => {
    const other = Buffer.from(file);
    other.writeUInt32LE(113, 20);
    expect(() => decode([other])).toThrow('link type 113');
    expect(() => decode([Buffer.alloc(24, 7)])).toThrow('no capture file');
  });

  it('leaves out frames that are no UDP over IPv4', () => {
    const tcp = Buffer.from(captureFile(sent.slice(0, 1)));
    tcp[24 + 16 + 23] = 6;
    expect(decode([tcp])).toEqual([]);
  });
});
