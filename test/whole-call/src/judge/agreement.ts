import type { Hears } from '../cases/case.js';
import type { Heard } from '../sound/ear.js';
import { mishearings, type Span } from '../sound/hearing.js';
import type { PhoneName, Sound } from '../sound/sounds.js';

/** For so long everybody has to hear what they should, at the same time. */
export const LISTEN_MS = 2_000;
const STEP_MS = 100;

/** What each phone heard. */
export type HeardBy = (name: PhoneName) => readonly Heard[];

/** Finds the moment from which on everybody hears what they should, while packets keep coming. */
export class Agreement {
  private from: number;
  /** What was wrong in the span that was looked at last. */
  faults: readonly string[] = ['nothing was heard yet'];

  constructor(
    private readonly hears: Hears,
    since: number,
  ) {
    this.from = since;
  }

  /**
   * Looks on, as far as has been heard.
   * @param until everything that arrived before is known: epoch ms.
   * @returns when it began, epoch ms; undefined where it has not yet.
   */
  look(heardBy: HeardBy, until: number): number | undefined {
    const names = Object.keys(this.hears) as PhoneName[];
    const heard = new Map(names.map((name) => [name, heardBy(name)]));
    for (; this.from + LISTEN_MS <= until; this.from += STEP_MS) {
      const span = { from: this.from, to: this.from + LISTEN_MS };
      this.faults = names.flatMap((name) =>
        mishearings(heard.get(name) ?? [], span, this.hears[name] ?? []).map((fault) => `${name} ${fault}`),
      );
      if (this.faults.length === 0)
        return Math.max(
          this.from,
          ...names.map((name) => beganIn(heard.get(name) ?? [], span, this.hears[name] ?? [])),
        );
    }
    return undefined;
  }
}

/** When the last of the sounds that a phone hears in that time was first heard in it. */
function beganIn(heard: readonly Heard[], span: Span, sounds: readonly Sound[]): number {
  const within = heard.filter(({ at }) => at >= span.from && at < span.to);
  return Math.max(
    span.from,
    ...sounds.map((sound) => within.find((one) => one.sounds.includes(sound))?.at ?? span.from),
  );
}
