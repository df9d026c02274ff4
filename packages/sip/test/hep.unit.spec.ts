import { isCoded } from '@reinvite/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deflateSync, gzipSync } from 'node:zlib';
import { canonicalAddress } from '../src/hep/address.js';
import { decodeHep } from '../src/hep/decode.js';
import { encodeHep, type HepContent } from '../src/hep/encode.js';

const content: HepContent = {
  password: null,
  ipVersion: 4,
  ipProtocol: 17,
  source: { address: '10.77.0.5', port: 5060 },
  destination: { address: '10.77.0.11', port: 5061 },
  at: 1_800_000_000_123_456,
  protocolType: 1,
  captureId: 4_000_000_001,
  correlationId: 'call-1@10.77.0.9',
  captureName: 'ast1',
  payload: Buffer.from('OPTIONS sip:a SIP/2.0\r\n\r\n'),
};

const codeOf = (packet: Buffer): string => {
  try {
    decodeHep(packet);
    return 'decoded';
  } catch (error) {
    return isCoded(error) ? error.code : 'not coded';
  }
};

describe('HEPv3', () => {
  it('reads what it wrote, over IPv4', () => {
    expect(decodeHep(encodeHep(content))).toEqual(content);
  });

  it('reads IPv6 addresses in their shortest form, and a packet without the optional chunks', () => {
    const packet: HepContent = {
      ...content,
      ipVersion: 6,
      source: { address: '2001:db8::1', port: 1 },
      destination: { address: '::1', port: 65_535 },
      captureId: null,
      correlationId: null,
      captureName: null,
    };
    expect(decodeHep(encodeHep(packet))).toEqual(packet);
  });

  it('inflates a compressed payload', () => {
    expect(decodeHep(encodeHep({ ...content, compress: true })).payload).toEqual(content.payload);
  });

  it('inflates one that was compressed by gzip', () => {
    const packet = encodeHep({ ...content, payload: gzipSync(content.payload) });
    // The payload chunk comes last; its type becomes that of a compressed one.
    packet[packet.length - gzipSync(content.payload).length - 3] = 16;
    expect(decodeHep(packet).payload).toEqual(content.payload);
  });

  it('reads the capture password', () => {
    const packet: HepContent = { ...content, password: Buffer.from('s3cret') };
    expect(decodeHep(encodeHep(packet))).toEqual(packet);
  });

  it('refuses a compressed payload that inflates beyond 64 KiB', () => {
    const bomb = encodeHep({ ...content, payload: Buffer.alloc(200_000), compress: true });
    expect(bomb.length).toBeLessThan(1_000);
    expect(codeOf(bomb)).toBe('HEP_TORN');
  });

  it('refuses garbage where a compressed payload should be', () => {
    const packet = encodeHep({ ...content, compress: true });
    packet.fill(0xff, packet.length - deflateSync(content.payload).length);
    expect(codeOf(packet)).toBe('HEP_TORN');
  });

  it('says which packets it does not support', () => {
    expect(codeOf(Buffer.from('\u0002\u0010and so on as HEP version 2 would', 'latin1'))).toBe(
      'HEP_UNSUPPORTED',
    );
    const foreign = encodeHep(content);
    foreign[12] = 99;
    expect(codeOf(foreign)).toBe('HEP_UNSUPPORTED');
  });

  it('passes over chunks that it does not know, and those of other vendors', () => {
    const chunk = Buffer.from([0x12, 0x34, 0, 15, 0, 8, 1, 2, 0, 0, 3, 231, 0, 7, 1]);
    const packet = Buffer.concat([encodeHep(content), chunk]);
    packet.writeUInt16BE(packet.length, 4);
    expect(decodeHep(packet)).toEqual(content);
  });

  it('refuses a packet that is cut anywhere', () => {
    const packet = encodeHep(content);
    for (let length = 0; length < packet.length; length += 1) {
      expect(codeOf(packet.subarray(0, length)), `cut at ${length}`).toBe('HEP_TORN');
    }
  });

  it('refuses a chunk that is missing', () => {
    const packet = encodeHep({ ...content, payload: Buffer.alloc(0) });
    const withoutPayload = packet.subarray(0, packet.length - 6);
    withoutPayload.writeUInt16BE(withoutPayload.length, 4);
    expect(codeOf(withoutPayload)).toBe('HEP_TORN');
  });

  it('answers every mutation with a packet or a coded error', () => {
    const packet = encodeHep(content);
    const mutation = fc.array(fc.tuple(fc.nat(packet.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(mutation, (bytes) => {
        const mutated = Buffer.from(packet);
        for (const [index, value] of bytes) mutated[index] = value;
        expect(['decoded', 'HEP_TORN', 'HEP_UNSUPPORTED']).toContain(codeOf(mutated));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('comparing addresses', () => {
  it('gives every spelling of an address the same text', () => {
    const spellings = ['2001:db8::1', '2001:0DB8:0:0:0:0:0:1', '2001:db8::0.0.0.1', '2001:db8::1%eth0'];
    expect(new Set(spellings.map(canonicalAddress))).toEqual(new Set(['2001:db8::1']));
    expect(canonicalAddress('::ffff:10.0.0.1')).toBe('10.0.0.1');
    expect(canonicalAddress('::ffff:a00:1')).toBe('10.0.0.1');
    expect(canonicalAddress('10.0.0.1')).toBe('10.0.0.1');
    expect(canonicalAddress('::1')).toBe('::1');
  });

  it('says what is no address', () => {
    for (const text of ['', 'ast1', '10.0.0', '[::1]', '10.0.0.1:5060', 'fe80'])
      expect(canonicalAddress(text)).toBeNull();
  });
});
