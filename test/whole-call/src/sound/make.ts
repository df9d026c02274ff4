import { toMuLaw } from './g711.js';
import { AMPLITUDE, PIECE_MS, PIECES, pieceHz, RATE, TONES_HZ, type Tone } from './sounds.js';

/** One second of a tone in µ-law, to be played without end. */
export function toneFile(tone: Tone): Buffer {
  return sine(TONES_HZ[tone], RATE);
}

/** A tone of so many seconds. */
export function longToneFile(tone: Tone, seconds: number): Buffer {
  return sine(TONES_HZ[tone], RATE * seconds);
}

/** The whole prompt in µ-law. */
export function promptFile(): Buffer {
  const samples = (RATE * PIECE_MS) / 1_000;
  return Buffer.concat(Array.from({ length: PIECES }, (_, piece) => sine(pieceHz(piece), samples)));
}

function sine(hz: number, samples: number): Buffer {
  return Buffer.from(
    Array.from({ length: samples }, (_, index) =>
      toMuLaw(AMPLITUDE * Math.sin((2 * Math.PI * hz * index) / RATE)),
    ),
  );
}
