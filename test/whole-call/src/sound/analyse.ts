import { fromMuLaw } from './g711.js';
import {
  AMPLITUDE,
  ANALYSIS_SAMPLES,
  PIECES,
  pieceHz,
  RATE,
  TONES_HZ,
  type Sound,
  type Tone,
} from './sounds.js';

/** Less than half of a tone is a piece of it at an edge, or what a mixer has cut. */
const HEARD = 0.45 * AMPLITUDE;

/** What is heard in a tenth of a second. */
export interface Analysis {
  readonly sounds: readonly Sound[];
  /** Which piece of the prompt; null where there is none. */
  readonly piece: number | null;
}

const TONES = Object.keys(TONES_HZ) as Tone[];

/** @param codes {@link ANALYSIS_SAMPLES} samples in µ-law. */
export function analyse(codes: Uint8Array): Analysis {
  if (codes.length !== ANALYSIS_SAMPLES)
    throw new RangeError(`${codes.length} samples are not a tenth of a second`);
  const samples = Float64Array.from(codes, fromMuLaw);
  const tones = TONES.filter((tone) => amplitudeOf(samples, TONES_HZ[tone]) > HEARD);
  const pieces = Array.from({ length: PIECES }, (_, piece) => amplitudeOf(samples, pieceHz(piece)));
  const loudest = Math.max(...pieces);
  if (loudest <= HEARD) return { sounds: tones, piece: null };
  return { sounds: [...tones, 'prompt'], piece: pieces.indexOf(loudest) };
}

/** Goertzel's algorithm: the amplitude of one frequency in the samples. */
export function amplitudeOf(samples: Float64Array, hz: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / RATE);
  let [last, beforeLast] = [0, 0];
  for (const sample of samples) [last, beforeLast] = [sample + coefficient * last - beforeLast, last];
  const power = last * last + beforeLast * beforeLast - coefficient * last * beforeLast;
  return (2 * Math.sqrt(Math.max(0, power))) / samples.length;
}
