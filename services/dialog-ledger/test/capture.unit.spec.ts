import { isCoded } from '@reinvite/runtime';
import { encodeHep } from '@reinvite/sip';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Attribution } from '../src/attribution.js';
import { passwordCheck } from '../src/password.js';
import { AST1, AST2, callTo, hep, PHONE, readerOf } from './captures.js';

const reader = readerOf();
const { invite, ok } = callTo(AST1, 'c1');

/** What is read of a packet, or the code with which it is dropped. */
const read = (packet: Buffer, sender = PHONE, from = reader): string => {
  try {
    const reading = from.read(packet, sender);
    if (reading.kind === 'other') return 'other';
    return `${reading.observed.direction} ${reading.observed.nodeId}`;
  } catch (error) {
    return isCoded(error) ? error.code : 'not coded';
  }
};

describe('reading a capture', () => {
  it('knows the node by capture id or by SIP address, and the direction by whose end it is', () => {
    expect(read(hep(PHONE, AST1, invite, { captureId: 1 }))).toBe('received ast1');
    expect(read(hep(AST1, PHONE, ok, { captureId: 1 }))).toBe('sent ast1');
    expect(read(hep(PHONE, AST2, invite))).toBe('received ast2');
    expect(read(hep(AST2, PHONE, ok))).toBe('sent ast2');
  });

  it('believes the capture id where two nodes talk to each other', () => {
    expect(read(hep(AST2, AST1, invite, { captureId: 1 }))).toBe('received ast1');
    expect(read(hep(AST1, AST2, ok, { captureId: 1 }))).toBe('sent ast1');
  });

  it('goes by the capture name, then by the sender, where two nodes talk and no id tells whose capture it is', () => {
    const between = (but: object, sender: string): string => read(hep(AST2, AST1, invite, but), sender);
    expect(between({ captureName: 'ast1' }, '10.77.0.99')).toBe('received ast1');
    expect(between({ captureName: 'ast2' }, '10.77.0.99')).toBe('sent ast2');
    expect(between({}, AST1)).toBe('received ast1');
    expect(between({ captureName: 'elsewhere' }, `::ffff:${AST2}`)).toBe('sent ast2');
  });

  it('does not guess which of two nodes captured what both have seen', () => {
    expect(read(hep(AST2, AST1, invite), '10.77.0.99')).toBe('HEP_UNPLACED');
    expect(read(hep(AST2, AST1, invite, { captureName: 'ast3' }), '10.77.0.99')).toBe('HEP_UNPLACED');
  });

  it('takes a capture with an id of nobody for none of a node that has an id of its own', () => {
    expect(read(hep(PHONE, AST1, invite, { captureId: 77 }))).toBe('HEP_UNPLACED');
    expect(read(hep(PHONE, AST2, invite, { captureId: 77 }))).toBe('received ast2');
    expect(read(hep(AST1, AST2, invite, { captureId: 77 }), AST1)).toBe('received ast2');
  });

  it('knows a node by each of several capture ids', () => {
    const several = { id: 'ast1', sipAddresses: [AST1], hepCaptureId: [1, 4_000_000_001] };
    const attribution = new Attribution([several]);
    const ends = {
      source: { address: PHONE, port: 1 },
      destination: { address: '192.0.2.1', port: 2 },
      captureName: null,
    };
    const nodeOf = (captureId: number): string | undefined =>
      attribution.nodeOf({ packet: { ...ends, captureId }, sender: PHONE })?.id;
    expect([nodeOf(1), nodeOf(4_000_000_001), nodeOf(2)]).toEqual(['ast1', 'ast1', undefined]);
  });

  it('compares IPv6 addresses whatever their spelling', () => {
    const ends = {
      source: { address: '2001:db8::99', port: 1 },
      destination: { address: '2001:0db8:0:0::12', port: 2 },
    };
    expect(read(hep(PHONE, AST1, invite, { ipVersion: 6, ...ends }))).toBe('received ast2');
    const mapped = { ...ends, destination: { address: `::ffff:${AST2}`, port: 2 } };
    expect(read(hep(PHONE, AST1, invite, { ipVersion: 6, ...mapped }))).toBe('received ast2');
  });

  it('goes by the Via where both ends are one address: it is of the side that sent the request', () => {
    const ours = invite.replace(`UDP ${PHONE};`, `WS ${AST1}:8088;`);
    const ourOk = ok.replace(`UDP ${PHONE};`, `WS ${AST1}:8088;`);
    expect(read(hep(AST1, AST1, invite, { captureId: 1 }))).toBe('received ast1');
    expect(read(hep(AST1, AST1, ok, { captureId: 1 }))).toBe('sent ast1');
    expect(read(hep(AST1, AST1, ours, { captureId: 1 }))).toBe('sent ast1');
    expect(read(hep('127.0.0.1', '127.0.0.1', ourOk, { captureId: 1 }))).toBe('received ast1');
  });

  it('does not guess the direction where neither end is known to be the node', () => {
    expect(read(hep(PHONE, '192.0.2.1', invite, { captureId: 1 }))).toBe('HEP_UNPLACED');
  });

  it('leaves aside what is no SIP, and says what is of no node', () => {
    expect(read(hep(PHONE, AST1, 'RTCP', { protocolType: 5 }))).toBe('other');
    expect(read(hep(PHONE, AST1, '\r\n\r\n'))).toBe('other');
    expect(read(hep(PHONE, '10.77.0.5', invite))).toBe('HEP_UNPLACED');
  });

  it('refuses a configured SIP address that is a name', () => {
    const make = (): Attribution => new Attribution([{ id: 'named', sipAddresses: ['ast.example.com'] }]);
    expect(make).toThrow(expect.toSatisfy((error) => isCoded(error, 'CONFIG_INVALID')) as Error);
  });
});

describe('the capture password', () => {
  const withPassword = (password: Buffer | null): Buffer =>
    encodeHep({
      ipVersion: 4,
      ipProtocol: 17,
      source: { address: PHONE, port: 5060 },
      destination: { address: AST1, port: 5060 },
      at: 1,
      protocolType: 1,
      captureId: 1,
      correlationId: null,
      captureName: null,
      password,
      payload: Buffer.from(invite),
    });

  it('lets in who has it, and nobody else', () => {
    const guarded = readerOf(['s3cret', 'the next one']);
    const tried = (password: Buffer | null): string => read(withPassword(password), PHONE, guarded);
    expect(tried(Buffer.from('s3cret'))).toBe('received ast1');
    expect(tried(Buffer.from('the next one'))).toBe('received ast1');
    for (const wrong of ['', 's3cre', 's3cret ', 's3cret\0', 'S3CRET', 'x'.repeat(400)])
      expect(tried(Buffer.from(wrong)), wrong).toBe('HEP_UNAUTHORIZED');
    expect(tried(null)).toBe('HEP_UNAUTHORIZED');
  });

  it('has 255 bytes at most', () => {
    expect(passwordCheck(['x'.repeat(255)])(Buffer.alloc(255, 'x'))).toBe(true);
    expect(() => passwordCheck(['short', 'ä'.repeat(128)])).toThrow(/CONFIG_INVALID/);
  });

  it('is of no concern where none is set', () => {
    expect(read(withPassword(Buffer.from('whatever')))).toBe('received ast1');
  });

  it('is right exactly when its bytes are', () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((all) => Buffer.from(all));
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 40 }), bytes, (password, given) => {
        const check = passwordCheck([password]);
        expect(check(Buffer.from(password))).toBe(true);
        expect(check(given)).toBe(given.equals(Buffer.from(password)));
      }),
    );
  });
});
