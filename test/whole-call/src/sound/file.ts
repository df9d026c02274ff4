import { analyse } from './analyse.js';
import { ANALYSIS_MS, ANALYSIS_SAMPLES, type Sound } from './sounds.js';

/** What a file of µ-law holds: how long it is, and the share of it, 0 to 1, that each sound fills. */
export function sharesInFile(content: Buffer): {
  readonly ms: number;
  readonly shares: ReadonlyMap<Sound, number>;
} {
  const pieces = Math.floor(content.length / ANALYSIS_SAMPLES);
  const shares = new Map<Sound, number>();
  for (let piece = 0; piece < pieces; piece += 1) {
    const codes = content.subarray(piece * ANALYSIS_SAMPLES, (piece + 1) * ANALYSIS_SAMPLES);
    for (const sound of analyse(codes).sounds) shares.set(sound, (shares.get(sound) ?? 0) + 1 / pieces);
  }
  return { ms: pieces * ANALYSIS_MS, shares };
}
