/**
 * The phones' voices: square waves in G.711 µ-law whose two levels say who speaks. They pass through Asterisk and
 * RTPEngine unchanged, so one byte of a packet tells whose voice arrived.
 */

export type Speaker = 'caller' | 'callee' | 'other';

/** µ-law code words of the two levels, positive and negative. */
const LEVELS = {
  caller: [0x9e, 0x1e],
  callee: [0xa6, 0x26],
} as const;

/** Half a period in samples: 500 Hz at 8000 samples a second. */
const HALF_PERIOD = 8;
const SAMPLES = 8_000;

/** One second of the voice; played without end. */
export function toneOf(speaker: keyof typeof LEVELS): Buffer {
  const [high, low] = LEVELS[speaker];
  return Buffer.from(
    Array.from({ length: SAMPLES }, (_, sample) => (Math.floor(sample / HALF_PERIOD) % 2 === 0 ? high : low)),
  );
}

/** Whose voice a payload is; `other` is Asterisk's own tone, or silence. */
export function speakerOf(payload: Buffer): Speaker {
  const [first = 0] = payload;
  if (LEVELS.caller.some((level) => level === first)) return 'caller';
  if (LEVELS.callee.some((level) => level === first)) return 'callee';
  return 'other';
}
