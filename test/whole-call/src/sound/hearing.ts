import type { Heard } from './ear.js';
import { ANALYSIS_MS, type Sound } from './sounds.js';

/** Of the time, what a sound has to fill to be there, and may fill while it should not be. */
const THERE = 0.75;
const AWAY = 0.1;

/** From when until when: epoch ms. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Share of the time, 0 to 1, in which each sound was heard; sounds that were not are left out. */
export function sharesOf(heard: readonly Heard[], { from, to }: Span): ReadonlyMap<Sound, number> {
  const shares = new Map<Sound, number>();
  for (const { sounds } of heard.filter(({ at }) => at >= from && at + ANALYSIS_MS <= to + 1)) {
    for (const sound of sounds) shares.set(sound, (shares.get(sound) ?? 0) + ANALYSIS_MS / (to - from));
  }
  return shares;
}

/**
 * What is wrong with what a phone heard: it has to hear exactly the expected sounds for all of that time.
 * @returns one line for each sound that lacks or is too much; empty where all is as it should be.
 */
export function mishearings(heard: readonly Heard[], span: Span, expected: readonly Sound[]): string[] {
  const shares = sharesOf(heard, span);
  const percent = (sound: Sound): string => `${Math.round((shares.get(sound) ?? 0) * 100)} %`;
  const lacking = expected.filter((sound) => (shares.get(sound) ?? 0) < THERE);
  const tooMuch = [...shares.keys()].filter(
    (sound) => !expected.includes(sound) && (shares.get(sound) ?? 0) > AWAY,
  );
  return [
    ...lacking.map((sound) => `does not hear ${sound} (${percent(sound)} of the time)`),
    ...tooMuch.map((sound) => `hears ${sound} (${percent(sound)} of the time)`),
  ];
}
