import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Everything that is left to chance in one run, drawn from its seed: the same seed draws the same. */
export class Random {
  private readonly generator;

  constructor(seed: number) {
    // Small seeds that follow each other would begin alike.
    this.generator = xoroshiro128plus(Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) ^ (seed >>> 16));
    for (let skipped = 0; skipped < 8; skipped += 1) this.int(0, 1);
  }

  /** A whole number, both ends included. */
  int(from: number, to: number): number {
    return uniformInt(this.generator, from, to);
  }

  /** 0 up to, not including, 1. */
  float(): number {
    return uniformFloat64(this.generator);
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** @throws RangeError where there is nothing to choose from. */
  pick<T>(among: readonly T[]): T {
    const one = among[this.int(0, Math.max(0, among.length - 1))];
    if (one === undefined) throw new RangeError('nothing to choose from');
    return one;
  }

  /** One of the keys, as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.float() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return this.pick(entries)[0];
  }

  /** Version 4 in form, and drawn like everything else. */
  uuid(): `${string}-${string}-${string}-${string}-${string}` {
    const hex = (digits: number): string =>
      Array.from({ length: digits }, () => this.int(0, 15).toString(16)).join('');
    return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
  }
}
