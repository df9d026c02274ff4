import { isCoded } from '@reinvite/runtime';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { encodeHep } from '../src/hep/encode.js';
import { HepFramer } from '../src/hep/framing.js';

const packetOf = (payload: Uint8Array): Buffer =>
  encodeHep({
    ipVersion: 4,
    ipProtocol: 6,
    source: { address: '10.77.0.5', port: 5060 },
    destination: { address: '10.77.0.11', port: 5060 },
    at: 1,
    protocolType: 1,
    captureId: 1,
    correlationId: null,
    captureName: null,
    payload: Buffer.from(payload),
  });

/** The bytes in pieces that end at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set([...places, bytes.length])].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

describe('HEP over a stream', () => {
  it('comes out as the packets that went in, wherever the stream was cut', () => {
    const stream = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }).chain((payloads) => {
      const packets = payloads.map(packetOf);
      const length = packets.reduce((sum, packet) => sum + packet.length, 0);
      return fc.record({ packets: fc.constant(packets), places: fc.array(fc.nat(length)) });
    });
    fc.assert(
      fc.property(stream, ({ packets, places }) => {
        const framer = new HepFramer();
        const framed = cut(Buffer.concat(packets), places).flatMap((piece) => framer.push(piece));
        expect(framed).toEqual(packets);
        expect(framer.pending).toBe(0);
      }),
    );
  });

  it('holds what is torn, and no more than that', () => {
    const framer = new HepFramer();
    const packet = packetOf(Buffer.alloc(60_000));
    expect(framer.push(Buffer.concat([packet, packet.subarray(0, 40_000)]))).toHaveLength(1);
    expect(framer.pending).toBe(40_000);
    expect(framer.push(packet.subarray(40_000))).toEqual([packet]);
    expect(framer.pending).toBe(0);
  });

  it('holds no more memory than that, however small the pieces are', () => {
    const framer = new HepFramer();
    const packet = packetOf(Buffer.alloc(20_000, 'x'));
    const concat = vi.spyOn(Buffer, 'concat');
    const framed = [...packet].flatMap((byte) => framer.push(Buffer.of(byte)));
    const mostHeld = Math.max(...concat.mock.calls.map(([pieces]) => pieces.length));
    concat.mockRestore();
    expect(framed).toEqual([packet]);
    expect(mostHeld).toBeLessThan(100);
  });

  it('refuses a stream that is none of HEP, or no longer', () => {
    const codeOf = (pieces: readonly Buffer[]): string => {
      const framer = new HepFramer();
      try {
        return String(pieces.flatMap((piece) => framer.push(piece)).length);
      } catch (error) {
        return isCoded(error) ? error.code : 'not coded';
      }
    };
    expect(codeOf([Buffer.from('GET / HTTP/1.1\r\n')])).toBe('HEP_UNSUPPORTED');
    expect(codeOf([packetOf(Buffer.from('x')), Buffer.from('garbage')])).toBe('HEP_UNSUPPORTED');
    expect(codeOf([Buffer.from('HEP3\u0000\u0000', 'latin1')])).toBe('HEP_TORN');
    expect(codeOf([Buffer.from('HEP3\u0000\u0006', 'latin1')])).toBe('HEP_TORN');
  });
});
