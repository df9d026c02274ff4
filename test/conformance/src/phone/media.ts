import type { Case } from '../cases/case.js';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** What the phone says of its stream once the call has come as far as the crash. */
export function directionBefore({ factors }: Case): Direction {
  switch (factors.hold) {
    case 'none':
      return 'sendrecv';
    case 'us':
      return 'recvonly';
    case 'phone':
    case 'sendonly':
      return 'sendonly';
    case 'phone-inactive':
      return 'inactive';
  }
}

/** What the phone says before anyone has held anyone. */
export function directionAtFirst({ factors }: Case): Direction {
  return factors.hold === 'sendonly' ? 'sendonly' : 'sendrecv';
}

/** What the phone asks for in its own re-INVITE after the recovery: whoever held takes the call back, where it was the phone. */
export function directionAfter(test: Case): Direction {
  const { hold } = test.factors;
  return hold === 'phone' || hold === 'phone-inactive' ? 'sendrecv' : directionBefore(test);
}

/** The answer to an offer of that direction by a side that would do all of it (RFC 3264 section 6.1). */
export function mirrored(direction: Direction): Direction {
  if (direction === 'sendonly') return 'recvonly';
  return direction === 'recvonly' ? 'sendonly' : direction;
}

/** SDES key of the phone: 30 bytes, AES_CM_128_HMAC_SHA1_80 (RFC 4568 section 6.2). */
const SDES_KEY = 'd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj';
const FINGERPRINT =
  '4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF';

/** What one SDP of the phone is made of. */
export interface Media {
  readonly host: string;
  readonly port: number;
  readonly family: 'ipv4' | 'ipv6';
  readonly srtp?: 'sdes' | 'dtls';
  readonly opus?: boolean;
  readonly video?: boolean;
}

/**
 * The phone's SDP. PCMA stands first: an Asterisk that falls back to its own list would put PCMU there.
 * @param version of the origin: rises with every description that differs (RFC 3264 section 8).
 */
export function sdpOf(
  { host, port, family, srtp, opus = false, video = false }: Media,
  direction: Direction,
  version: number,
  role: 'offer' | 'answer' = 'offer',
): string {
  const type = family === 'ipv6' ? 'IP6' : 'IP4';
  const profile = srtp === undefined ? 'RTP/AVP' : srtp === 'sdes' ? 'RTP/SAVP' : 'UDP/TLS/RTP/SAVP';
  return [
    'v=0',
    `o=phone 20001 ${version} IN ${type} ${host}`,
    's=-',
    `c=IN ${type} ${host}`,
    't=0 0',
    `m=audio ${port} ${profile} ${opus ? '111 ' : ''}8 0 101`,
    ...(opus ? ['a=rtpmap:111 opus/48000/2'] : []),
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-16',
    'a=ptime:20',
    ...(srtp === 'sdes' ? [`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${SDES_KEY}`] : []),
    ...(srtp === 'dtls'
      ? [`a=fingerprint:SHA-256 ${FINGERPRINT}`, `a=setup:${role === 'offer' ? 'actpass' : 'active'}`]
      : []),
    `a=${direction}`,
    // Of what it has refused the other side offers nothing that could be accepted.
    ...(video ? [`m=video ${role === 'offer' ? port + 1 : 0} RTP/AVP 99`, 'a=rtpmap:99 H264/90000'] : []),
    '',
  ].join('\n');
}
