export interface FlappingLimit {
  /** So many deaths … */
  readonly crashes: number;
  /** … within that time, and for that time after the last of them the node gets no recovered calls. */
  readonly withinMs: number;
}

/** How a node flaps: the deaths that show it, oldest first, and until when it gets no recovered calls (epoch ms). */
export interface Flapping {
  readonly crashes: readonly number[];
  readonly until: number;
}

/**
 * What a node's deaths (epoch ms, in any order) say of it; null where it does not flap at `now`. It is shunned also where it is
 * the only one left: what makes it crash may be what it is given, and the calls that it has of its own would go with it.
 */
export function flappingOf(
  deaths: readonly number[],
  { crashes, withinMs }: FlappingLimit,
  now: number,
): Flapping | null {
  const sorted = [...deaths].sort((one, other) => one - other);
  const chains = sorted.map((last) => sorted.filter((at) => at <= last && last - at <= withinMs));
  const chain = chains.filter((one) => one.length >= crashes).at(-1);
  const last = chain?.at(-1);
  if (chain === undefined || last === undefined || now >= last + withinMs) return null;
  return { crashes: chain, until: last + withinMs };
}
