import { analyse } from './analyse.js';
import { toMuLaw } from './g711.js';
import { ANALYSIS_MS, ANALYSIS_SAMPLES, type Sound } from './sounds.js';

/** Of one sample in a file of Asterisk's format `sln`: 16 bits, little-endian, 8,000 a second. */
const BYTES_PER_SAMPLE = 2;

/** What such a file holds: how long it is, and the share of it, 0 to 1, that each sound fills. */
export function soundsInFile(content: Buffer): {
  readonly ms: number;
  readonly shares: ReadonlyMap<Sound, number>;
} {
  const pieces = Math.floor(content.length / BYTES_PER_SAMPLE / ANALYSIS_SAMPLES);
  const shares = new Map<Sound, number>();
  for (let piece = 0; piece < pieces; piece += 1) {
    const codes = Uint8Array.from({ length: ANALYSIS_SAMPLES }, (_, sample) =>
      toMuLaw(content.readInt16LE((piece * ANALYSIS_SAMPLES + sample) * BYTES_PER_SAMPLE)),
    );
    for (const sound of analyse(codes).sounds) shares.set(sound, (shares.get(sound) ?? 0) + 1 / pieces);
  }
  return { ms: pieces * ANALYSIS_MS, shares };
}
