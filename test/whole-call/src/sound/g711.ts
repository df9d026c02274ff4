/**
 * G.711 µ-law (ITU-T G.711, table 2), sample by sample. The packages on npm that do it have not been kept for years, and it is
 * this short.
 */

const BIAS = 0x84;
const LARGEST = 32_635;

/** @param sample linear, -32768 to 32767. */
export function toMuLaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(LARGEST, Math.abs(Math.round(sample))) + BIAS;
  const exponent = Math.max(0, 31 - Math.clz32(magnitude) - 7);
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

/** @returns the sample, linear, -32124 to 32124. */
export function fromMuLaw(code: number): number {
  const bits = ~code & 0xff;
  const exponent = (bits >> 4) & 0x07;
  const magnitude = ((((bits & 0x0f) << 3) + BIAS) << exponent) - BIAS;
  return (bits & 0x80) === 0 ? magnitude : -magnitude;
}
