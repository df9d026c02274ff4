import { excludedBy, FACTOR_NAMES, FACTORS, type FactorName, type Factors } from './factors.js';

/** One pair of values that some case must have. */
export interface Pair {
  readonly left: readonly [FactorName, string];
  readonly right: readonly [FactorName, string];
}

/** Every pair of values of two factors that can meet in one call. */
export function possiblePairs(): Pair[] {
  return FACTOR_NAMES.flatMap((a, index) =>
    FACTOR_NAMES.slice(index + 1).flatMap((b) =>
      FACTORS[a].flatMap((left) =>
        FACTORS[b]
          .filter((right) => excludedBy({ [a]: left, [b]: right }) === undefined)
          .map((right): Pair => ({ left: [a, left], right: [b, right] })),
      ),
    ),
  );
}

/** Rows that are tried for each that is taken: more of them make the matrix a little smaller and the making slower. */
const TRIES = 40;

/**
 * Calls in which every value and every possible pair of values of two factors occurs. The same ones in every run.
 *
 * Greedy, as AETG (Cohen, Dalal, Fredman, Patton 1997): each call is made around a pair that no call has yet, and takes for
 * every other factor the value that brings most such pairs. Own code, since the package on npm (covertable) leaves pairs out
 * where some exclude each other.
 * @param fixed factors that have one value in all of them.
 */
export function pairwise(fixed: Partial<Factors> = {}): Factors[] {
  const missing = new Map(
    possiblePairs()
      .filter(({ left, right }) => agrees(fixed, left) && agrees(fixed, right))
      .map((pair) => [keyOf(pair.left, pair.right), pair]),
  );
  const random = generator();
  const rows: Factors[] = [];
  for (let pair = first(missing); pair !== undefined; pair = first(missing)) {
    let best: { row: Factors; pairs: string[] } | undefined;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const start = { ...fixed, [pair.left[0]]: pair.left[1], [pair.right[0]]: pair.right[1] };
      const row = complete(start, shuffled(FACTOR_NAMES, random), missing);
      const pairs = pairsOf(row).filter((key) => missing.has(key));
      if (best === undefined || pairs.length > best.pairs.length) best = { row, pairs };
    }
    for (const key of best?.pairs ?? []) missing.delete(key);
    if (best !== undefined) rows.push(best.row);
  }
  return rows;
}

/** Gives every factor that has none yet the possible value that brings most missing pairs with those that are there. */
function complete(
  start: Partial<Factors>,
  order: readonly FactorName[],
  missing: ReadonlyMap<string, Pair>,
): Factors {
  let row = start;
  for (const name of order.filter((one) => start[one] === undefined)) {
    const given = Object.entries(row) as [FactorName, string][];
    const choices = FACTORS[name]
      .filter((value) => excludedBy({ ...row, [name]: value }) === undefined)
      .map((value) => ({
        value,
        gain: given.filter((other) => missing.has(keyOf([name, value], other))).length,
      }));
    const best = choices.reduce((a, b) => (b.gain > a.gain ? b : a));
    row = { ...row, [name]: best.value };
  }
  return Object.fromEntries(FACTOR_NAMES.map((name) => [name, row[name]])) as unknown as Factors;
}

function pairsOf(row: Factors): string[] {
  return FACTOR_NAMES.flatMap((a, index) =>
    FACTOR_NAMES.slice(index + 1).map((b) => keyOf([a, row[a]], [b, row[b]])),
  );
}

function keyOf(...values: readonly (readonly [FactorName, string])[]): string {
  return values
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(' ');
}

function agrees(fixed: Partial<Factors>, [name, value]: readonly [FactorName, string]): boolean {
  return fixed[name] === undefined || fixed[name] === value;
}

function first<T>(of: ReadonlyMap<string, T>): T | undefined {
  return of.values().next().value;
}

/** A linear congruential generator (Numerical Recipes): any order will do, if it is the same every time. */
function generator(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
