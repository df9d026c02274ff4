import { parseSip } from '../src/message/parse.js';
import type { Observed } from '../src/dialog/observe.js';
import { sdp } from './sdp.js';

/** What differs between two messages of a test; the rest is as Asterisk and a phone behind an edge send it. */
export interface MessageParts {
  /** Method of a request. */
  readonly method?: string;
  readonly requestUri?: string;
  /** Status of a response. */
  readonly status?: number;
  readonly from: string;
  readonly to: string;
  readonly callId?: string;
  /** `<number> <METHOD>`. */
  readonly cseq: string;
  readonly contact?: string;
  readonly recordRoute?: readonly string[];
  readonly route?: readonly string[];
  readonly via?: string;
  /** Further header lines. */
  readonly headers?: readonly string[];
  /** A session description. */
  readonly sdp?: string;
}

export const CALL_ID = 'call-1@10.77.0.9';

/** The text of a SIP message. */
export function sipText(parts: MessageParts): string {
  const start =
    parts.status === undefined
      ? `${parts.method ?? parts.cseq.split(' ')[1]} ${parts.requestUri ?? 'sip:app@10.77.0.11'} SIP/2.0`
      : `SIP/2.0 ${parts.status} Whatever`;
  const lines = [
    start,
    `Via: ${parts.via ?? 'SIP/2.0/UDP 10.77.0.5;branch=z9hG4bK-1;rport'}`,
    ...(parts.recordRoute ?? []).map((value) => `Record-Route: ${value}`),
    ...(parts.route ?? []).map((value) => `Route: ${value}`),
    `From: ${parts.from}`,
    `To: ${parts.to}`,
    `Call-ID: ${parts.callId ?? CALL_ID}`,
    `CSeq: ${parts.cseq}`,
    ...(parts.contact === undefined ? [] : [`Contact: ${parts.contact}`]),
    ...(parts.headers ?? []),
    ...(parts.sdp === undefined ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(parts.sdp ?? '')}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${parts.sdp ?? ''}`;
}

/** A capture at a node. `atMs` counts from the beginning of the test's call. */
export function capture(
  direction: Observed['direction'],
  atMs: number,
  parts: MessageParts,
  nodeId = 'ast1',
): Observed {
  return {
    direction,
    at: (1_800_000_000_000 + atMs) * 1_000,
    nodeId,
    message: parseSip(Buffer.from(sipText(parts))),
  };
}

export const EDGE = '<sip:10.77.0.5;lr;ftag=p1>';
export const OUTER = '<sip:198.51.100.1;lr>';

/** What the phone and Asterisk say of the session in both calls. */
export const PHONE_SDP = sdp({ id: '8000', version: 1 });
export const ASTERISK_SDP = sdp({ id: '9000', version: 1 });

const PHONE = '"Phone, \\"one\\"" <sip:phone@10.77.0.9>';
const APP = '<sip:app@10.77.0.5>';

/** A call from the phone to Asterisk, message by message. */
export function inboundCall(nodeId = 'ast1') {
  const theirs = { from: `${PHONE};tag=p1`, to: APP };
  const answered = { from: `${PHONE};tag=p1`, to: `${APP};tag=a1` };
  const contact = '<sip:phone@192.168.9.9:5070;alias=10.77.0.9~5070~1>';
  const recordRoute = [EDGE, OUTER];
  return {
    invite: capture(
      'received',
      0,
      { ...theirs, cseq: '7 INVITE', contact, recordRoute, sdp: PHONE_SDP },
      nodeId,
    ),
    trying: capture('sent', 0, { ...theirs, status: 100, cseq: '7 INVITE' }, nodeId),
    ringing: capture(
      'sent',
      20,
      { ...answered, status: 180, cseq: '7 INVITE', recordRoute, contact: '<sip:10.77.0.11:5060>' },
      nodeId,
    ),
    ok: capture(
      'sent',
      1_000,
      {
        ...answered,
        status: 200,
        cseq: '7 INVITE',
        recordRoute,
        contact: '<sip:10.77.0.11:5060>',
        sdp: ASTERISK_SDP,
      },
      nodeId,
    ),
    ack: capture('received', 1_010, { ...answered, cseq: '7 ACK' }, nodeId),
    bye: capture('received', 9_000, { ...answered, cseq: '8 BYE' }, nodeId),
    byeOk: capture('sent', 9_001, { ...answered, status: 200, cseq: '8 BYE' }, nodeId),
  };
}

/** A call from Asterisk to the phone, challenged by digest once. */
export function outboundCall(nodeId = 'ast1') {
  const ours = { from: '"Alice" <sip:alice@10.77.0.11>;tag=a1', to: '<sip:phone@10.77.0.5>' };
  const answered = { ...ours, to: '<sip:phone@10.77.0.5>;tag=p1' };
  const own = {
    contact: '<sip:asterisk@10.77.0.11:5060>',
    via: 'SIP/2.0/UDP 10.77.0.11:5060;rport;branch=z9hG4bK-a',
  };
  const contact = '<sip:phone@192.168.9.9:5070;alias=10.77.0.9~5070~1>';
  const recordRoute = [OUTER, EDGE];
  return {
    invite: capture('sent', 0, { ...ours, ...own, cseq: '100 INVITE', sdp: ASTERISK_SDP }, nodeId),
    challenge: capture(
      'received',
      5,
      { ...ours, to: '<sip:phone@10.77.0.5>;tag=challenge', status: 407, cseq: '100 INVITE' },
      nodeId,
    ),
    challengeAck: capture(
      'sent',
      6,
      { ...ours, to: '<sip:phone@10.77.0.5>;tag=challenge', cseq: '100 ACK' },
      nodeId,
    ),
    inviteAgain: capture('sent', 7, { ...ours, ...own, cseq: '101 INVITE', sdp: ASTERISK_SDP }, nodeId),
    ringing: capture(
      'received',
      50,
      { ...answered, status: 180, cseq: '101 INVITE', contact, recordRoute },
      nodeId,
    ),
    ok: capture(
      'received',
      2_000,
      { ...answered, status: 200, cseq: '101 INVITE', contact, recordRoute, sdp: PHONE_SDP },
      nodeId,
    ),
    ack: capture('sent', 2_001, { ...answered, cseq: '101 ACK', route: [EDGE, OUTER] }, nodeId),
  };
}
