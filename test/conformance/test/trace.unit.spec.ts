import { describe, expect, it } from 'vitest';
import { readTrace } from '../src/judge/trace.js';
import { readSdp } from '../src/judge/sdp.js';
import { tracedText, witnessOf } from './recovered-call.js';

describe('what SIPp writes', () => {
  const { trace } = witnessOf();

  it('is read message by message', () => {
    const read = readTrace(tracedText(trace));
    expect(read.map(({ at, by, raw }) => ({ at, by, raw }))).toEqual(
      trace.map(({ at, by, raw }) => ({ at, by, raw })),
    );
  });

  it('is read up to the message that is still being written', () => {
    const text = tracedText(trace);
    expect(readTrace(text.slice(0, -200))).toHaveLength(trace.length - 1);
  });

  it('keeps microseconds, and counts the length of a message in bytes', () => {
    const raw = trace[0]?.raw.replace('"Phone"', '"Zoë 電話"') ?? '';
    const head = `-----------------------------------------------`;
    const text = `${head} 1970-01-01T00:00:01.000250Z\nTLS message sent [${Buffer.byteLength(raw)}] bytes:\n\n${raw}\nrubbish`;
    expect(readTrace(text)).toMatchObject([{ at: 1_000.25, transport: 'tls', raw }]);
  });

  it('that is a keep-alive is no message', () => {
    const text = `----------------------------------------------- 1970-01-01T00:00:01.000000Z\nUDP message received [4] bytes :\n\n\r\n\r\n\n`;
    expect(readTrace(text)).toEqual([]);
  });
});

describe('SDP', () => {
  it('says direction, codecs and keys of each stream, session level included', () => {
    const sdp = readSdp(
      [
        'v=0',
        'o=- 9007199254740993 18446744073709551615 IN IP6 ::1',
        's=-',
        'a=fingerprint:SHA-256 AA',
        'a=inactive',
        'm=audio 4000 UDP/TLS/RTP/SAVP 96 8',
        'c=IN IP6 ::1',
        'a=rtpmap:96 opus/48000/2',
        'a=setup:active',
        'm=video 0 RTP/SAVP 97',
        'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x',
        'a=sendonly',
      ].join('\r\n'),
    );
    expect(sdp).toMatchObject({
      sessionId: '9007199254740993',
      version: 18446744073709551615n,
      address: '::1',
    });
    expect(sdp?.streams[0]).toMatchObject({
      direction: 'inactive',
      fingerprint: true,
      setup: 'active',
      formats: ['96', '8'],
    });
    expect([...(sdp?.streams[0]?.codecs ?? [])]).toEqual([
      ['8', 'PCMA/8000'],
      ['96', 'opus/48000/2'],
    ]);
    expect(sdp?.streams[1]).toMatchObject({
      direction: 'sendonly',
      port: 0,
      suites: ['AES_CM_128_HMAC_SHA1_80'],
    });
  });

  it('is undefined where there is none', () => {
    expect(readSdp('')).toBeUndefined();
    expect(readSdp('v=0\r\n')).toBeUndefined();
  });
});
