import type { Datagram } from '@reinvite/test-phones';
import { fromMuLaw, toMuLaw } from '../src/sound/g711.js';
import { promptFile, toneFile } from '../src/sound/make.js';
import { TONES_HZ, type Sound, type Tone } from '../src/sound/sounds.js';

const PACKET = 160;
const PACKET_MS = 20;

/** What somebody says: sounds, mixed, for so long; the prompt from an offset. */
export interface Utterance {
  readonly sounds: readonly Sound[];
  readonly ms: number;
  /** Of the prompt. */
  readonly offsetMs?: number;
  /** Nothing is sent. */
  readonly silent?: boolean;
}

/** The RTP packets of utterances one after the other, from `at` on, as they arrive at a port. */
export function packets(
  port: number,
  at: number,
  utterances: readonly Utterance[],
  { ssrc = 1 }: { readonly ssrc?: number } = {},
): Datagram[] {
  const sent: Datagram[] = [];
  let index = 0;
  for (const { sounds, ms, offsetMs = 0, silent = false } of utterances) {
    for (let said = 0; said < ms; said += PACKET_MS, index += 1) {
      if (silent) continue;
      const header = Buffer.alloc(12);
      header[0] = 0x80;
      header.writeUInt16BE(index & 0xffff, 2);
      header.writeUInt32BE(ssrc, 8);
      sent.push({
        at: at + index * PACKET_MS,
        sourceAddress: '10.0.0.1',
        sourcePort: 30_000,
        targetAddress: '10.0.0.2',
        targetPort: port,
        payload: Buffer.concat([header, voiceOf(sounds, said, offsetMs)]),
      });
    }
  }
  return sent;
}

function voiceOf(sounds: readonly Sound[], ms: number, offsetMs: number): Buffer {
  const files = sounds.map((sound) => ({
    file: fileOf(sound),
    from: (ms + (sound === 'prompt' ? offsetMs : 0)) * 8,
  }));
  return Buffer.from(
    Array.from({ length: PACKET }, (_, sample) =>
      toMuLaw(
        files.reduce(
          (sum, { file, from }) => sum + fromMuLaw(file[(from + sample) % file.length] ?? 0xff),
          0,
        ),
      ),
    ),
  );
}

const files = new Map<Sound, Buffer>();

function fileOf(sound: Sound): Buffer {
  let file = files.get(sound);
  if (file === undefined) {
    file = sound in TONES_HZ ? toneFile(sound as Tone) : promptFile();
    files.set(sound, file);
  }
  return file;
}
