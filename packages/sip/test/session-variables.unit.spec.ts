import { describe, expect, it } from 'vitest';
import type { Dialog } from '../src/dialog/dialog.js';
import type { Codec, MediaStream, SessionDescription } from '../src/dialog/session.js';
import type { Observed } from '../src/dialog/observe.js';
import { recoveryVariables } from '../src/recovery/variables.js';
import { established, only, ourRequest } from './calls.js';
import { capture } from './messages.js';

const codec = (payloadType: number, name: string, clockRate = 8_000, more: Partial<Codec> = {}): Codec => ({
  payloadType,
  name,
  clockRate,
  channels: 1,
  fmtp: null,
  ...more,
});
const PCMU = codec(0, 'PCMU');
const PCMA = codec(8, 'PCMA');
const OPUS = codec(107, 'opus', 48_000, { channels: 2, fmtp: 'maxplaybackrate=16000' });
const EVENTS = codec(101, 'telephone-event', 8_000, { fmtp: '0-16' });

const stream = (but: Partial<MediaStream> = {}): MediaStream => ({
  kind: 'audio',
  protocol: 'RTP/AVP',
  disabled: false,
  direction: 'sendrecv',
  codecs: [PCMU],
  encryption: { kind: 'none' },
  ...but,
});
const session = (streams: readonly MediaStream[], sessionId = '7', version = '8'): SessionDescription => ({
  origin: { username: '-', sessionId, version },
  streams,
});
const variables = (but: Partial<Dialog>): Record<string, string> =>
  recoveryVariables({ ...only(established), ...but });
const streamsOf = (local: Partial<MediaStream>, remote: Partial<MediaStream>): string[] =>
  variables({
    localSession: session([stream(local)]),
    remoteSession: session([stream(remote)]),
  }).PJSIP_RECOVERY_SDP_STREAMS?.split('|') ?? [];

/** The re-INVITE that the module makes of the variables on another node, the phone's answer and our ACK; we hold. */
function recovered(told: Record<string, string>, generation: number): Observed[] {
  const [id = '', version = ''] = (told.PJSIP_RECOVERY_SDP_ORIGIN ?? '').split(' ');
  const said = (origin: string, direction: string): string =>
    `v=0\r\no=- ${origin} IN IP4 10.77.0.9\r\ns=-\r\nc=IN IP4 10.77.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=${direction}\r\n`;
  const cseq = told.PJSIP_RECOVERY_CSEQ ?? '';
  const node = `ast${generation}`;
  const at = generation * 10_000;
  const contact = `<sip:10.77.0.1${generation}:5060>`;
  const headers = ['Session-Expires: 1800;refresher=uas'];
  const offer = { headers, contact, sdp: said(`${id} ${Number(version) + 1}`, 'sendonly') };
  const answer = { headers, sdp: said(`8000 ${generation}`, 'recvonly') };
  return [
    capture('sent', at, { ...ourRequest, cseq: `${cseq} INVITE`, ...offer }, node),
    capture('received', at + 20, { ...ourRequest, status: 200, cseq: `${cseq} INVITE`, ...answer }, node),
    capture('sent', at + 21, { ...ourRequest, cseq: `${cseq} ACK` }, node),
  ];
}

describe('the variables of the session', () => {
  it('name the origin that our side has used, where an Asterisk can have it', () => {
    const origin = (id: string, version: string): string | undefined =>
      variables({ localSession: session([stream()], id, version) }).PJSIP_RECOVERY_SDP_ORIGIN;
    expect(origin('3000000000', '4000000000')).toBe('3000000000 4000000000');
    expect(origin('4294967296', '1')).toBeUndefined();
    expect(origin('1', '4294967295')).toBeUndefined();
    expect(origin('9'.repeat(40), '1')).toBeUndefined();
    expect(origin('1', 'x')).toBeUndefined();
  });

  it.each([
    ['sendrecv', 'sendrecv', null],
    ['sendonly', 'recvonly', 'local'],
    ['sendonly', 'sendrecv', 'local'],
    ['recvonly', 'sendonly', 'remote'],
    ['recvonly', 'sendrecv', null],
    ['inactive', 'inactive', 'remote'],
    ['inactive', 'recvonly', 'local'],
  ] as const)('tell who holds: we say %s, the phone %s', (ours, theirs, held) => {
    const lines = streamsOf({ direction: ours }, { direction: theirs });
    expect(lines).toContain(`a=${ours}`);
    expect(lines.filter((line) => line.startsWith('a=held'))).toEqual(
      held === null ? [] : [`a=held:${held}`],
    );
  });

  it('put the codec of the answer first, under our payload types, and leave out what one side lacked', () => {
    const ours = [PCMU, OPUS, PCMA, EVENTS];
    const theirs = [{ ...OPUS, payloadType: 96, name: 'OPUS' }, EVENTS, PCMU];
    expect(streamsOf({ codecs: ours }, { codecs: theirs })).toEqual([
      'm=audio 9 RTP/AVP 107 101 0',
      'a=rtpmap:107 opus/48000/2',
      'a=fmtp:107 maxplaybackrate=16000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=rtpmap:0 PCMU/8000',
      'a=sendrecv',
      'a=encryption:none',
    ]);
    expect(streamsOf({ codecs: [PCMA, EVENTS] }, { codecs: [PCMU, PCMA, EVENTS] })[0]).toBe(
      'm=audio 9 RTP/AVP 8 101',
    );
  });

  it.each([
    [
      ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'],
      ['AES_CM_128_HMAC_SHA1_32'],
      'sdes AES_CM_128_HMAC_SHA1_32',
    ],
    [['AES_CM_128_HMAC_SHA1_80'], [], 'sdes'],
  ])('name the suite that both have: %s and %s', (ours, theirs, form) => {
    const lines = streamsOf(
      { protocol: 'RTP/SAVP', encryption: { kind: 'sdes', suites: ours } },
      { protocol: 'RTP/SAVP', encryption: { kind: 'sdes', suites: theirs } },
    );
    expect(lines[0]).toBe('m=audio 9 RTP/SAVP 0');
    expect(lines).toContain(`a=encryption:${form}`);
  });

  it('name DTLS, and no encryption where it was offered in vain', () => {
    const dtls = { kind: 'dtls', fingerprint: 'sha-256 AB', setup: 'actpass' } as const;
    const sdes = { kind: 'sdes', suites: ['AES_CM_128_HMAC_SHA1_80'] } as const;
    expect(streamsOf({ encryption: dtls }, { encryption: dtls })).toContain('a=encryption:dtls');
    expect(streamsOf({ encryption: sdes }, {})).toContain('a=encryption:none');
  });

  it('keep every stream in its place, also those that either side switched off', () => {
    const video = stream({ kind: 'video', codecs: [codec(99, 'H264', 90_000)] });
    const fax = stream({ kind: 'image', protocol: 'udptl', codecs: [] });
    const value = variables({
      localSession: session([video, stream(), fax]),
      remoteSession: session([{ ...video, disabled: true }, stream(), { ...fax, disabled: true }]),
    }).PJSIP_RECOVERY_SDP_STREAMS;
    expect(value?.split('|').filter((line) => line.startsWith('m='))).toEqual([
      'm=video 0 RTP/AVP 99',
      'm=audio 9 RTP/AVP 0',
      'm=image 0 udptl 0',
    ]);
  });

  it('are content with what one side was seen to say', () => {
    const heard = { localSession: null, remoteSession: session([stream({ direction: 'sendonly' })]) };
    expect(variables(heard)).toMatchObject({
      PJSIP_RECOVERY_SDP_STREAMS:
        'm=audio 9 RTP/AVP 0|a=rtpmap:0 PCMU/8000|a=recvonly|a=held:remote|a=encryption:none',
    });
    expect(variables(heard)).not.toHaveProperty('PJSIP_RECOVERY_SDP_ORIGIN');
    const said = { localSession: session([stream({ direction: 'sendonly' })]), remoteSession: null };
    expect(variables(said).PJSIP_RECOVERY_SDP_STREAMS).toContain('|a=sendonly|a=held:local|');
  });

  it('leave out streams that nobody can offer, and parameters that do not fit', () => {
    const off = session([stream({ disabled: true })]);
    expect(variables({ localSession: off, remoteSession: off })).not.toHaveProperty(
      'PJSIP_RECOVERY_SDP_STREAMS',
    );
    const broken = stream({ codecs: [codec(97, 'x', 8_000, { fmtp: 'a|b' }), codec(98, 'a b')] });
    expect(variables({ localSession: session([broken]) }).PJSIP_RECOVERY_SDP_STREAMS).toBe(
      'm=audio 9 RTP/AVP 97|a=rtpmap:97 x/8000|a=sendrecv|a=encryption:none',
    );
    const long = stream({
      codecs: Array.from({ length: 20 }, (_, i) => codec(96 + i, `c${i}`, 8_000, { fmtp: 'x'.repeat(500) })),
    });
    expect(variables({ localSession: session([long]) }).PJSIP_RECOVERY_SDP_STREAMS).not.toContain('fmtp');
    const many = session(Array.from({ length: 17 }, () => stream()));
    expect(variables({ localSession: many })).not.toHaveProperty('PJSIP_RECOVERY_SDP_STREAMS');
  });

  it.each([
    [{ intervalS: 1_800, refresher: 'local' }, '1800;refresher=uac'],
    [{ intervalS: 60, refresher: 'remote' }, '90;refresher=uas'],
  ] as const)('give the session timer from the side of the re-INVITE: %o', (sessionTimer, expected) => {
    expect(variables({ sessionTimer }).PJSIP_RECOVERY_SESSION_EXPIRES).toBe(expected);
  });

  it('go on from one recovery to the next: origin, hold and session timer', () => {
    const messages = [...established];
    const chain = [2, 3, 4].map((generation) => {
      const told = recoveryVariables(only(messages));
      messages.push(...recovered(told, generation));
      return told;
    });
    chain.push(recoveryVariables(only(messages)));
    expect(chain.map(({ PJSIP_RECOVERY_SDP_ORIGIN }) => PJSIP_RECOVERY_SDP_ORIGIN)).toEqual([
      '9000 1',
      '9000 2',
      '9000 3',
      '9000 4',
    ]);
    expect(chain.at(-1)).toMatchObject({
      PJSIP_RECOVERY_SDP_STREAMS: expect.stringContaining('|a=sendonly|a=held:local|') as string,
      PJSIP_RECOVERY_SESSION_EXPIRES: '1800;refresher=uas',
    });
  });

  it('name the transport, and none that the module does not know', () => {
    expect(variables({ transport: 'tls' }).PJSIP_RECOVERY_TRANSPORT).toBe('tls');
    expect(variables({ transport: 'sctp' })).not.toHaveProperty('PJSIP_RECOVERY_TRANSPORT');
  });
});
