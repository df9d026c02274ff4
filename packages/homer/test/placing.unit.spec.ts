import { parseConfig } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { placingAt } from '../src/capture/placing.js';

const ari = { url: 'http://10.0.0.1:8088', username: 'x', password: 'x' };
const { nodes } = parseConfig({
  nats: { servers: ['nats://127.0.0.1'] },
  postgres: {},
  nodes: [
    { id: 'ast1', sipAddresses: ['10.0.0.11'], hepCaptureId: 1, ari },
    { id: 'ast2', sipAddresses: ['10.0.0.12'], ari },
  ],
});
const place = placingAt(nodes);

const PHONE = '192.0.2.9';
const invite = (sentBy: string): string =>
  [
    'INVITE sip:phone@192.0.2.9 SIP/2.0',
    `Via: SIP/2.0/UDP ${sentBy};branch=z9hG4bK-1`,
    'From: <sip:a@x>;tag=a',
    'To: <sip:b@x>',
    'Call-ID: c',
    'CSeq: 1 INVITE',
    '',
    '',
  ].join('\r\n');

function directions(
  source: string,
  destination: string,
  captureId: number | null,
  sentBy = '10.0.0.11:5060',
) {
  const placed = place({ callId: 'c', at: 1, source, destination, captureId, raw: invite(sentBy) });
  return placed.kind === 'unreadable'
    ? placed.kind
    : placed.observed.map(({ nodeId, direction }) => `${nodeId} ${direction}`);
}

describe('the place of a captured message', () => {
  it('is the node at one of its ends, whoever captured it', () => {
    expect(directions('10.0.0.11', PHONE, null)).toEqual(['ast1 sent']);
    expect(directions('::ffff:10.0.0.11', PHONE, 99)).toEqual(['ast1 sent']);
    expect(directions(PHONE, '10.0.0.12', null)).toEqual(['ast2 received']);
    expect(directions(PHONE, '192.0.2.1', null)).toEqual([]);
  });

  it('is with both of two nodes, or with the one that captured it', () => {
    expect(directions('10.0.0.11', '10.0.0.12', null)).toEqual(['ast1 sent', 'ast2 received']);
    expect(directions('10.0.0.11', '10.0.0.12', 1)).toEqual(['ast1 sent']);
  });

  it('is told by the topmost Via where both ends are one address', () => {
    expect(directions(PHONE, PHONE, 1)).toEqual(['ast1 sent']);
    expect(directions(PHONE, PHONE, 1, '192.0.2.9:5060')).toEqual(['ast1 received']);
  });

  it('is not guessed where the capture id is of a node and neither end is', () => {
    // Behind a translator of addresses the Via may be that of neither: what the node sent would be taken for received.
    expect(directions('172.17.0.2', PHONE, 1, '203.0.113.5:5060')).toBe('unreadable');
  });
});
