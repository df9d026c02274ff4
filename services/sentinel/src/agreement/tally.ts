import type { Vote } from '@reinvite/domain';

/** More than half of so many. Of two it is both: one of them alone is no majority. */
export function quorumOf(sentinels: number): number {
  return Math.floor(sentinels / 2) + 1;
}

export interface Tally {
  /** True where a majority suspects the life, nobody fences it yet, and nobody knows it for dead already. */
  readonly granted: boolean;
  /** Who suspects it, in order of their names. */
  readonly agreedBy: readonly string[];
  /** Somebody has recorded its death, or is at fencing it. */
  readonly busy: 'down' | 'fencing' | null;
  /** True where the lease is over for a majority: no majority can have granted another. */
  readonly leaseOver: boolean;
}

/**
 * Counts the votes, the asker's own among them. A sentinel has one vote, however often it answers; where two answers of one
 * name differ, the more careful holds: two sentinels that share a name by mistake are not two votes.
 */
export function tally(votes: readonly Vote[], askedBy: string, sentinels: number): Tally {
  const quorum = quorumOf(sentinels);
  const names = [...new Set(votes.map(({ sentinelId }) => sentinelId))].sort();
  const all = names.map((name) => {
    const said = votes.filter(({ sentinelId }) => sentinelId === name);
    return {
      name,
      suspects: said.every(({ suspects }) => suspects),
      leaseOver: said.every(({ leaseOver }) => leaseOver === true),
    };
  });
  const agreedBy = all.filter(({ suspects }) => suspects).map(({ name }) => name);
  const busy = votes.some(({ down, sentinelId }) => down && sentinelId !== askedBy)
    ? 'down'
    : votes.some(({ fencing }) => fencing)
      ? 'fencing'
      : null;
  return {
    granted: agreedBy.length >= quorum && busy === null,
    agreedBy,
    busy,
    leaseOver: all.filter(({ leaseOver }) => leaseOver).length >= quorum,
  };
}
