import { createLogger } from '@reinvite/runtime';
import { encodeHep, type HepContent } from '@reinvite/sip';
import { Attribution } from '../src/attribution.js';
import { captureReader, type CaptureReader } from '../src/capture.js';
import { Counters } from '../src/counters.js';
import { Ledger, type LedgerOptions } from '../src/ledger.js';
import { passwordCheck } from '../src/password.js';
import type { DialogStore } from '../src/store.js';

export const PHONE = '10.77.0.9';
export const AST1 = '10.77.0.11';
export const AST2 = '10.77.0.12';

export const nodes = [
  {
    id: 'ast1',
    sipAddresses: [AST1],
    hepCaptureId: 1,
    ari: { url: 'http://10.77.0.11:8088', username: 'u', password: 'p' },
  },
  {
    id: 'ast2',
    sipAddresses: [AST2, '2001:db8:0::12'],
    ari: { url: 'http://10.77.0.12:8088', username: 'u', password: 'p' },
  },
];

/** The HEP packet that a node sends of a message; `atMs` counts from the beginning of the test. */
export function hep(from: string, to: string, text: string, but: Partial<HepContent> = {}): Buffer {
  return encodeHep({
    ipVersion: 4,
    ipProtocol: 17,
    source: { address: from, port: 5060 },
    destination: { address: to, port: 5060 },
    at: Date.now() * 1_000,
    protocolType: 1,
    captureId: null,
    correlationId: null,
    captureName: null,
    payload: Buffer.from(text),
    ...but,
  });
}

export interface CallText {
  readonly invite: string;
  readonly ok: string;
  readonly bye: string;
}

/** The messages of a call that a phone makes to a node: its INVITE, our 200, its BYE. */
export function callTo(node: string, callId: string): CallText {
  const common = (to: string, cseq: string): string =>
    [
      `Via: SIP/2.0/UDP ${PHONE};branch=z9hG4bK-${callId}`,
      'Record-Route: <sip:10.77.0.5;lr>',
      `From: "Phone" <sip:phone@${PHONE}>;tag=p-${callId}`,
      `To: <sip:app@10.77.0.5>${to}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq}`,
    ].join('\r\n');
  const tag = `;tag=a-${callId}`;
  const sdp =
    'Content-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';
  return {
    invite: `INVITE sip:app@${node} SIP/2.0\r\n${common('', '1 INVITE')}\r\nContact: <sip:phone@192.168.9.9;alias=${PHONE}~5060~1>\r\n${sdp}`,
    ok: `SIP/2.0 200 OK\r\n${common(tag, '1 INVITE')}\r\nContact: <sip:${node}>\r\n${sdp}`,
    bye: `BYE sip:app@${node} SIP/2.0\r\n${common(tag, '2 BYE')}\r\n\r\n`,
  };
}

/** The packets of a call that is up. */
export function answeredCall(node: string, callId: string): Buffer[] {
  const call = callTo(node, callId);
  return [hep(PHONE, node, call.invite), hep(node, PHONE, call.ok)];
}

/** The packets of a re-INVITE with which a node takes the call of {@link answeredCall} over. */
export function reinvitedBy(node: string, callId: string, cseq = 10): Buffer[] {
  const common = [
    `Via: SIP/2.0/UDP ${node};branch=z9hG4bK-${callId}-again`,
    `From: <sip:app@10.77.0.5>;tag=a-${callId}`,
    `To: "Phone" <sip:phone@${PHONE}>;tag=p-${callId}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} INVITE`,
  ].join('\r\n');
  const contact = `<sip:phone@192.168.9.9;alias=${PHONE}~5060~1>`;
  return [
    hep(
      node,
      PHONE,
      `INVITE sip:phone@192.168.9.9;alias=${PHONE}~5060~1 SIP/2.0\r\n${common}\r\nContact: <sip:${node}>\r\n\r\n`,
    ),
    hep(PHONE, node, `SIP/2.0 200 OK\r\n${common}\r\nContact: ${contact}\r\n\r\n`),
  ];
}

export const log = createLogger('test', 'silent');

export const retention = {
  endedMs: 60_000,
  earlyMs: 600_000,
  answeredInvitationMs: 32_000,
  silentMs: 86_400_000,
  straySilentMs: 3_600_000,
};

export function readerOf(passwords: readonly string[] = []): CaptureReader {
  return captureReader(new Attribution(nodes), passwordCheck(passwords));
}

export function ledgerOn(
  store: DialogStore,
  now: () => number,
  but: Partial<LedgerOptions> = {},
): { ledger: Ledger; counters: Counters } {
  const counters = new Counters(log);
  const limits = { flushMs: 20, retention, maxCallIds: 1_000 };
  return {
    counters,
    ledger: new Ledger({ reader: readerOf(), store, counters, log, now, ...limits, ...but }),
  };
}
