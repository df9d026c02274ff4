import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BaresipControl, netstring, NetstringDecoder } from '../src/baresip/control.js';
import { accountLine, configFile, type BaresipSettings } from '../src/baresip/settings.js';
import { loudSamples, voiceWave } from '../src/baresip/sound.js';
import { readTrace } from '../src/baresip/trace.js';

const SETTINGS: BaresipSettings = {
  user: 'alice',
  transport: 'tls',
  media: 'srtp',
  recorder: 'filter',
  own: '10.0.0.30',
  edge: '10.0.0.10',
  ports: { sip: 5_800, control: 4_800, rtp: [19_000, 19_009] },
};

const OPTIONS = [
  'OPTIONS sip:alice@10.0.0.30 SIP/2.0',
  'Via: SIP/2.0/TLS 10.0.0.10:5061;branch=z9hG4bK1',
  'From: <sip:a@10.0.0.10>;tag=1',
  'To: <sip:alice@10.0.0.30>',
  'Call-ID: 1@x',
  'CSeq: 1 OPTIONS',
  'Content-Length: 0',
  '\r\n',
].join('\r\n');

function printed(header: string, text: string): string {
  return `\u001b[36;1m#\n${header}\n${text}\u001b[;m`;
}

describe('the control protocol of baresip', () => {
  it('is read alike, however its bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (texts, cuts) => {
          const bytes = Buffer.from(texts.map(netstring).join(''));
          const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
            (a, b) => a - b,
          );
          const decoder = new NetstringDecoder();
          const read = places
            .slice(1)
            .flatMap((end, index) => decoder.push(bytes.subarray(places[index], end)));
          expect(read).toEqual(texts.map((text) => Buffer.from(text).toString()));
        },
      ),
    );
  });

  it.each(['x:abc,', '3:abcd', ':,', '-1:,'])('is refused where it is none: %s', (text) => {
    expect(() => new NetstringDecoder().push(Buffer.from(text))).toThrow('netstring');
  });

  it('says of a command that is not answered, and of every later one, that baresip is gone', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, 'connection');
    const control = await BaresipControl.connect('127.0.0.1', port, () => undefined);
    const answer = expect(control.command('dial', 'sip:a@b')).rejects.toThrow('gone');
    const [socket] = (await accepted) as [Socket];
    socket.once('data', () => socket.destroy());
    await answer;
    expect(control.isOpen).toBe(false);
    await expect(control.command('hangup')).rejects.toThrow('gone');
    server.close();
  });
});

describe('the voice of baresip', () => {
  it('is loud from its first sample to its last, and silence is not', () => {
    const voice = voiceWave(1);
    expect(voice.toString('latin1', 0, 4)).toBe('RIFF');
    expect(loudSamples(voice, 0)).toBe(8_000);
    expect(loudSamples(voice, voice.length - 2_000)).toBe(1_000);
    expect(loudSamples(voice, voice.length)).toBe(0);
    expect(loudSamples(Buffer.alloc(4_000), 0)).toBe(0);
  });

  it('is read up to half a sample at the end of a recording, and from the middle of one', () => {
    const voice = voiceWave(1);
    expect(loudSamples(voice.subarray(0, 49), 0)).toBe(2);
    expect(loudSamples(voice.subarray(0, 50), 45)).toBe(2);
    expect(loudSamples(Buffer.alloc(3), 0)).toBe(0);
  });
});

describe('the trace of baresip', () => {
  it('tells what the phone sent from what it received, by which transport', () => {
    const text = `noise ${printed('TLS 10.0.0.10:5061 -> 10.0.0.30:40000', OPTIONS)}${printed('UDP 10.0.0.30:5800 -> 10.0.0.10:5060', OPTIONS)}`;
    expect(readTrace(text, '10.0.0.30')).toMatchObject([
      { by: 'network', transport: 'TLS', message: { kind: 'request', method: 'OPTIONS' } },
      { by: 'phone', transport: 'UDP' },
    ]);
  });

  it('leaves out what is no SIP and what is not whole yet', () => {
    const text = `${printed('UDP 10.0.0.10:5060 -> 10.0.0.30:5800', '\r\n\r\n')}\u001b[36;1m#\nUDP 10.0.0.10:5060 -> 10.0.0.30:5800\nOPTIONS sip:`;
    expect(readTrace(text, '10.0.0.30')).toEqual([]);
  });
});

describe('the settings of baresip', () => {
  it('say where the phone registers, by which transport, with which keys for its media', () => {
    expect(accountLine(SETTINGS)).toBe(
      '<sip:alice@10.0.0.10;transport=tls>;auth_pass=alice;regint=600;outbound="sip:10.0.0.10:5061;transport=tls"' +
        ';audio_codecs=pcmu;mediaenc=srtp-mand',
    );
    expect(accountLine({ ...SETTINGS, transport: 'udp', media: 'rtp' })).not.toContain('mediaenc');
  });

  it('give each phone its own ports and files', () => {
    const config = configFile(SETTINGS);
    expect(config).toContain('sip_listen 10.0.0.30:5800\n');
    expect(config).toContain('snd_path /root/baresip-alice\n');
    expect(config).toContain('rtp_ports 19000-19009\n');
  });
});
