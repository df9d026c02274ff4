import { isCoded } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { captureReader } from '../src/capture.js';
import { AST1, AST2, callTo, hep, nodes, PHONE } from './captures.js';

const reader = captureReader(nodes);
const { invite, ok } = callTo(AST1, 'c1');

const placed = (packet: Buffer): string => {
  const reading = reader.read(packet);
  if (reading.kind === 'message') return `${reading.observed.direction} ${reading.observed.nodeId}`;
  return reading.kind === 'other' ? 'other' : reading.why;
};

describe('reading a capture', () => {
  it('knows the node by capture id or by SIP address, and the direction by whose end it is', () => {
    expect(placed(hep(PHONE, AST1, invite, { captureId: 1 }))).toBe('received ast1');
    expect(placed(hep(AST1, PHONE, ok, { captureId: 1 }))).toBe('sent ast1');
    expect(placed(hep(PHONE, AST2, invite))).toBe('received ast2');
    expect(placed(hep(AST2, PHONE, ok))).toBe('sent ast2');
  });

  it('believes the capture id where two nodes talk to each other', () => {
    expect(placed(hep(AST2, AST1, invite, { captureId: 1 }))).toBe('received ast1');
    expect(placed(hep(AST1, AST2, ok, { captureId: 1 }))).toBe('sent ast1');
  });

  it('compares IPv6 addresses whatever their spelling', () => {
    const ends = {
      source: { address: '2001:db8::99', port: 1 },
      destination: { address: '2001:0db8:0:0::12', port: 2 },
    };
    expect(placed(hep(PHONE, AST1, invite, { ipVersion: 6, ...ends }))).toBe('received ast2');
  });

  it('goes by the Via where both ends or neither are the node: it is of the side that sent the request', () => {
    const ours = invite.replace(`UDP ${PHONE};`, `WS ${AST1}:8088;`);
    const ourOk = ok.replace(`UDP ${PHONE};`, `WS ${AST1}:8088;`);
    expect(placed(hep(AST1, AST1, invite, { captureId: 1 }))).toBe('received ast1');
    expect(placed(hep(AST1, AST1, ok, { captureId: 1 }))).toBe('sent ast1');
    expect(placed(hep(AST1, AST1, ours, { captureId: 1 }))).toBe('sent ast1');
    expect(placed(hep('127.0.0.1', '127.0.0.1', ourOk, { captureId: 1 }))).toBe('received ast1');
  });

  it('leaves aside what is no SIP, and says what is of no node', () => {
    expect(placed(hep(PHONE, AST1, 'RTCP', { protocolType: 5 }))).toBe('other');
    expect(placed(hep(PHONE, AST1, '\r\n\r\n'))).toBe('other');
    expect(placed(hep(PHONE, '10.77.0.5', invite))).toBe('unknown-node');
  });

  it('refuses a configured SIP address that is a name', () => {
    const named = [
      {
        ...nodes[0],
        id: 'named',
        sipAddresses: ['ast.example.com'],
        ari: { url: 'http://x', username: 'u' },
      },
    ];
    expect(() => captureReader(named)).toThrow(
      expect.toSatisfy((error) => isCoded(error, 'CONFIG_INVALID')) as Error,
    );
  });
});
