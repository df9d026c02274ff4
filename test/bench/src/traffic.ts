import { encodeHep } from '@reinvite/sip';

export const NODE_ADDRESS = '10.0.0.11';
export const NODE_ID = 'ast1';
const EDGE = '10.0.0.5';

const lines = (...all: readonly string[]): string => all.join('\r\n');

function sdp(user: string, address: string, id: number): string {
  return lines(
    'v=0',
    `o=${user} ${id} ${id} IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${10_000 + (id % 20_000) * 2} RTP/AVP 0 8 101`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-16',
    'a=ptime:20',
    'a=sendrecv',
    '',
  );
}

/** The messages that a node captures of one call; `bye` and what follows it end it. */
export interface CallMessages {
  readonly setUp: readonly Buffer[];
  readonly hangUp: readonly Buffer[];
}

/**
 * A call of a phone through a proxy, as its Asterisk sees it: INVITE, 100, 180, 200, ACK; BYE, 200. Addresses, tags, names
 * and sizes differ from call to call as they do between phones.
 */
export function callMessages(index: number): CallMessages {
  const callId = `${(index * 2_654_435_761) >>> 0}-${index}@192.168.${index % 250}.${(index >> 8) % 250}`;
  const phone = `192.168.${index % 250}.${(index >> 3) % 250}`;
  const fromTag = `${(index * 40_503) >>> 0}p${index}`;
  const toTag = `;tag=${((index * 97_861) >>> 0).toString(16)}-a${index}`;
  const contact = `Contact: <sip:user${index}@${phone}:5060;alias=203.0.113.${index % 250}~${20_000 + (index % 30_000)}~1>`;
  const head = (to: string, cseq: string): string =>
    lines(
      `Via: SIP/2.0/UDP ${EDGE}:5060;branch=z9hG4bKbe5a.${index}.0;received=${EDGE};rport=5060`,
      `Via: SIP/2.0/UDP ${phone}:5060;branch=z9hG4bK-${index}`,
      `Record-Route: <sip:${EDGE};lr;ftag=${fromTag}>`,
      `From: "User ${index}" <sip:user${index}@example.com>;tag=${fromTag}`,
      `To: <sip:${500 + (index % 500)}@example.com>${to}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq}`,
      'User-Agent: A Phone of Some Maker 4.12.7',
      'Allow: OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO, REFER',
    );
  const withBody = (start: string, to: string, cseq: string, target: string, body: string): string =>
    lines(
      start,
      head(to, cseq),
      target,
      'Content-Type: application/sdp',
      `Content-Length: ${body.length}`,
      '',
      body,
    );
  const without = (start: string, to: string, cseq: string): string =>
    lines(start, head(to, cseq), 'Content-Length: 0', '', '');
  const ours = `Contact: <sip:${NODE_ADDRESS}:5060>`;
  const target = `sip:${NODE_ADDRESS}:5060`;
  const received = (text: string): Buffer => hep(text, EDGE, NODE_ADDRESS);
  const sent = (text: string): Buffer => hep(text, NODE_ADDRESS, EDGE);
  return {
    setUp: [
      received(withBody(`INVITE ${target} SIP/2.0`, '', '1 INVITE', contact, sdp('-', phone, index))),
      sent(without('SIP/2.0 100 Trying', '', '1 INVITE')),
      sent(lines('SIP/2.0 180 Ringing', head(toTag, '1 INVITE'), ours, '', '')),
      sent(withBody('SIP/2.0 200 OK', toTag, '1 INVITE', ours, sdp('-', NODE_ADDRESS, index + 7))),
      received(without(`ACK ${target} SIP/2.0`, toTag, '1 ACK')),
    ],
    hangUp: [
      received(without(`BYE ${target} SIP/2.0`, toTag, '2 BYE')),
      sent(without('SIP/2.0 200 OK', toTag, '2 BYE')),
    ],
  };
}

function hep(text: string, from: string, to: string): Buffer {
  return encodeHep({
    ipVersion: 4,
    ipProtocol: 17,
    source: { address: from, port: 5060 },
    destination: { address: to, port: 5060 },
    at: Math.round((performance.timeOrigin + performance.now()) * 1_000),
    protocolType: 1,
    captureId: 1,
    correlationId: null,
    captureName: NODE_ID,
    payload: Buffer.from(text),
  });
}
