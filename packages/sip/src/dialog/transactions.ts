/** A transaction inside a dialog, known by whose request it is and its CSeq. */
export interface Transaction {
  readonly by: 'local' | 'remote';
  readonly cseq: number;
}

export interface Rules<T> {
  /**
   * How many of one side are kept that are not spent, and how many that are; more than that one after the other, and none of
   * them settled, are a flood.
   */
  readonly kept: number;
  readonly keptSpent: number;
  /** Associative, commutative and idempotent. */
  readonly join: (a: T, b: T) => T;
  /** Whether all that is to be known of it is known; what is settled stays so when it is joined with more. */
  readonly isSettled: (one: T) => boolean;
  /** Whether it is over and changed nothing: it is kept to be known when it comes again, and pushes no other out. */
  readonly isSpent: (one: T) => boolean;
}

/**
 * Joins two sets of transactions, the latest of a side first. Of each side those below its latest settled one are left
 * out, for it has overtaken them, and so are all but the `kept` latest of those that are spent and of those that are not.
 * All go by the key or by what cannot be undone, so that the order in which sets are joined makes no difference, as long as
 * no message comes later than `kept` further transactions of its side.
 */
export function joinTransactions<T extends Transaction>(
  a: readonly T[],
  b: readonly T[],
  rules: Rules<T>,
): T[] {
  if (b.length === 0) return a as T[];
  if (a.length === 0 && b.length === 1) return b as T[];
  return [...joinSide('local', a, b, rules), ...joinSide('remote', a, b, rules)];
}

function joinSide<T extends Transaction>(
  side: Transaction['by'],
  a: readonly T[],
  b: readonly T[],
  { kept, keptSpent, join, isSettled, isSpent }: Rules<T>,
): T[] {
  const joined = a.filter(({ by }) => by === side);
  for (const one of b) {
    if (one.by !== side) continue;
    const at = joined.findIndex(({ cseq }) => cseq === one.cseq);
    const known = joined[at];
    if (known === undefined) joined.push(one);
    else joined[at] = join(known, one);
  }
  joined.sort((x, y) => y.cseq - x.cseq);
  const settled = joined.findIndex(isSettled);
  const current = settled === -1 ? joined : joined.slice(0, settled + 1);
  if (current.length <= Math.min(kept, keptSpent)) return current;
  const room = { spent: keptSpent, other: kept };
  return current.filter((one) => room[isSpent(one) ? 'spent' : 'other']-- > 0);
}

export type Rank<T> = (value: T) => readonly number[];

/** The one of higher rank. Ties between different values are broken by their text, so that the order never decides. */
export function best<T>(a: T, b: T, rank: Rank<T>): T {
  return compare(a, b, rank) >= 0 ? a : b;
}

export function bestOf<T>(a: T | null, b: T | null, rank: Rank<T>): T | null {
  if (a === null || b === null) return a ?? b;
  return best(a, b, rank);
}

function compare<T>(a: T, b: T, rank: Rank<T>): number {
  if (a === b) return 0;
  const ranksOfB = rank(b);
  for (const [index, value] of rank(a).entries()) {
    const difference = value - (ranksOfB[index] ?? 0);
    if (difference !== 0) return difference;
  }
  const [textOfA, textOfB] = [JSON.stringify(a), JSON.stringify(b)];
  return textOfA === textOfB ? 0 : textOfA > textOfB ? 1 : -1;
}
