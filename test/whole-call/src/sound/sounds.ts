/**
 * What there is to hear: every phone has a tone of its own, and so have music on hold and announcements. The prompt's tone changes
 * twice a second, so that a piece of it tells where in the prompt it is from. All are sines whose frequencies are multiples of the
 * {@link ANALYSIS_HZ} of an analysis, so that none leaks into another, however many are mixed.
 */

export const RATE = 8_000;
/** Samples of one analysis: a tenth of a second. */
export const ANALYSIS_SAMPLES = 800;
export const ANALYSIS_MS = (ANALYSIS_SAMPLES * 1_000) / RATE;
export const ANALYSIS_HZ = RATE / ANALYSIS_SAMPLES;
/** Four of them mixed are still no more than a sample can be. */
export const AMPLITUDE = 5_000;

export const PHONE_NAMES = ['alice', 'bob', 'carol', 'dave'] as const;
export type PhoneName = (typeof PHONE_NAMES)[number];

/** Sounds of one tone that never changes, in Hz. `music` is of the class `default`, `jazz` of the class of that name. */
export const TONES_HZ = {
  alice: 430,
  bob: 570,
  carol: 710,
  dave: 850,
  music: 1_030,
  jazz: 1_170,
  announcement: 1_310,
} as const;
export type Tone = keyof typeof TONES_HZ;
export type Sound = Tone | 'prompt';

/** The prompt: 20 s in pieces of half a second. */
export const PIECE_MS = 500;
export const PROMPT_MS = 20_000;
export const PIECES = PROMPT_MS / PIECE_MS;
const FIRST_PIECE_HZ = 1_400;
const BETWEEN_PIECES_HZ = 40;

/** Tone of the prompt's piece with this number, from 0, in Hz. */
export function pieceHz(piece: number): number {
  return FIRST_PIECE_HZ + piece * BETWEEN_PIECES_HZ;
}
