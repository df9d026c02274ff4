import { isCoded } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { parseSip } from '../src/message/parse.js';
import { sdpOf } from '../src/session/body.js';
import { compactOf, compactSession, sessionOf } from '../src/session/compact.js';
import { parseSdp } from '../src/session/parse.js';
import { sdp } from './sdp.js';

const described = (...lines: string[]) =>
  parseSdp(['v=0', 'o=- 1 2 IN IP4 192.0.2.1', 's=-', 't=0 0', ...lines, ''].join('\r\n'));
const stream = (...lines: string[]) => described('c=IN IP4 192.0.2.1', ...lines).streams[0];

const WEBRTC = [
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 0',
  'c=IN IP4 0.0.0.0',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'a=ice-ufrag:x',
  'a=setup:actpass',
  'a=fingerprint:sha-256 AB:CD:EF',
];

describe('a session description', () => {
  it('gives origin, and of each stream kind, protocol, direction, codecs and encryption', () => {
    expect(
      parseSdp(sdp({ id: '18446744073709551615', version: '9007199254740993', direction: 'sendonly' })),
    ).toEqual({
      origin: { username: '-', sessionId: '18446744073709551615', version: '9007199254740993' },
      streams: [
        {
          kind: 'audio',
          protocol: 'RTP/AVP',
          disabled: false,
          direction: 'sendonly',
          codecs: [
            { payloadType: 0, name: 'PCMU', clockRate: 8_000, channels: 1, fmtp: null },
            { payloadType: 101, name: 'telephone-event', clockRate: 8_000, channels: 1, fmtp: '0-16' },
          ],
          encryption: { kind: 'none' },
        },
      ],
    });
  });

  it('keeps streams that were refused, and those that are no RTP', () => {
    const { streams } = described('m=audio 0 RTP/AVP 8', 'm=image 5000 udptl t38', 'a=T38FaxVersion:0');
    expect(streams).toMatchObject([
      { kind: 'audio', disabled: true, codecs: [{ name: 'PCMA' }] },
      { kind: 'image', protocol: 'udptl', disabled: false, codecs: [] },
    ]);
  });

  it('takes the direction of the stream, else of the session, else both ways', () => {
    expect(
      described('a=inactive', 'm=audio 1 RTP/AVP 0', 'm=audio 2 RTP/AVP 0', 'a=recvonly').streams,
    ).toMatchObject([{ direction: 'inactive' }, { direction: 'recvonly' }]);
    expect(stream('m=audio 1 RTP/AVP 0')?.direction).toBe('sendrecv');
  });

  it('knows the old form of hold, by an address of zeros, but not in ICE', () => {
    expect(stream('m=audio 1 RTP/AVP 0', 'c=IN IP4 0.0.0.0')?.direction).toBe('sendonly');
    expect(stream('m=audio 1 RTP/AVP 0', 'c=IN IP4 0.0.0.0', 'a=recvonly')?.direction).toBe('inactive');
    expect(stream(...WEBRTC)?.direction).toBe('sendrecv');
  });

  it('says in which form a stream is encrypted, and keeps no key', () => {
    const sdes = stream(
      'm=audio 1 RTP/SAVP 0',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0',
      'a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhl|2^20|1:4',
    );
    expect(sdes?.encryption).toEqual({
      kind: 'sdes',
      suites: ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'],
    });
    expect(stream(...WEBRTC)).toMatchObject({
      protocol: 'UDP/TLS/RTP/SAVPF',
      encryption: { kind: 'dtls', fingerprint: 'sha-256 AB:CD:EF', setup: 'actpass' },
      codecs: [{ payloadType: 111, name: 'opus', clockRate: 48_000, channels: 2 }, { name: 'PCMU' }],
    });
    expect(JSON.stringify(sdes)).not.toContain('inline');
  });

  it('is the same after evidence has kept it', () => {
    for (const text of [
      sdp({ version: 1 }),
      ['v=0', 'o=a b 3 IN IP4 x', ...WEBRTC, ''].join('\n').replace('a b', 'a 1'),
    ]) {
      const session = parseSdp(text);
      const kept = compactSession.parse(JSON.parse(JSON.stringify(compactOf(session))));
      if (kept === null) throw new Error('a session was expected');
      expect(sessionOf(kept)).toEqual(session);
    }
  });

  it.each([
    ['nothing', ''],
    ['no origin', 'v=0\r\nm=audio 1 RTP/AVP 0\r\n'],
    ['another version', sdp({ version: 1 }).replace('v=0', 'v=1')],
    ['a version that is no number', sdp({ version: 'x' })],
    ['a negative id', sdp({ id: '-1', version: 1 })],
    ['a torn stream', `${sdp({ version: 1 })}m=video\r\n`],
    ['thousands of lines', sdp({ version: 1 }) + 'a=x\r\n'.repeat(2_000)],
    ['a hundred streams', sdp({ version: 1 }) + 'm=audio 1 RTP/AVP 0\r\n'.repeat(100)],
    ['a hundred formats', sdp({ version: 1, formats: '0 '.repeat(100) })],
    ['a parameter of a kilobyte', sdp({ version: 1 }).replace('0-16', 'x'.repeat(1_024))],
    ['a megabyte', sdp({ version: 1 }) + 'x'.repeat(1_000_000)],
  ])('refuses %s', (_what, text) => {
    expect(() => parseSdp(text)).toThrow(
      expect.toSatisfy((error) => isCoded(error, 'SDP_MALFORMED')) as Error,
    );
  });
});

describe('the body of a message', () => {
  const bodyOf = (contentType: string | null, body: string) =>
    sdpOf(
      parseSip(
        Buffer.from(
          [
            'INVITE sip:b@x SIP/2.0',
            'Via: SIP/2.0/UDP x',
            'From: <sip:a@x>;tag=1',
            'To: <sip:b@x>',
            'Call-ID: c',
            'CSeq: 1 INVITE',
            ...(contentType === null ? [] : [`c: ${contentType}`]),
            '',
            body,
          ].join('\r\n'),
        ),
      ),
    );
  const text = sdp({ version: 1 });

  it('is a session by its type, which some forget', () => {
    expect(bodyOf('application/sdp', text)).toBe(text);
    expect(bodyOf('Application/SDP ; charset=x', text)).toBe(text);
    expect(bodyOf(null, text)).toBe(text);
    expect(bodyOf('application/dtmf-relay', text)).toBeNull();
    expect(bodyOf('application/sdp', '')).toBeNull();
  });

  it('may have the session as one of its parts', () => {
    const parts = (sdpType: string) =>
      `preamble\r\n--b1\r\nContent-Type: application/isup\r\n\r\n\x01\x02\r\n--b1\r\nContent-Type: ${sdpType}\r\n\r\n${text}\r\n--b1--\r\n`;
    expect(bodyOf('multipart/mixed;boundary=b1', parts('application/sdp'))).toBe(text);
    expect(bodyOf('multipart/mixed; boundary="b1"', parts('application/SDP'))).toBe(text);
    expect(bodyOf('multipart/mixed; boundary=b1', parts('text/plain'))).toBeNull();
    expect(bodyOf('multipart/mixed', parts('application/sdp'))).toBeNull();
    expect(bodyOf('multipart/mixed; boundary=b1', '--b1--b1--b1')).toBeNull();
  });
});
