import type { Candidate } from './candidate.js';

/** The node for a whole call: the least loaded one, by name where two are equal. */
export function chooseTarget(candidates: readonly Candidate[]): Candidate | null {
  return candidates.reduce<Candidate | null>(
    (best, next) => (best === null || isBetter(next, best) ? next : best),
    null,
  );
}

/** Those of the groups that may take a call; all of them where nothing is said of groups. */
export function candidatesWithin(
  candidates: readonly Candidate[],
  groups: readonly string[] | undefined,
): readonly Candidate[] {
  return groups === undefined ? candidates : candidates.filter(({ group }) => groups.includes(group));
}

/** The candidates after legs were given to one of them. */
export function withLoad(candidates: readonly Candidate[], nodeId: string, legs: number): Candidate[] {
  return candidates.map((candidate) =>
    candidate.nodeId === nodeId ? { ...candidate, load: candidate.load + legs } : candidate,
  );
}

function isBetter(a: Candidate, b: Candidate): boolean {
  if (a.lastResort !== b.lastResort) return !a.lastResort;
  if (a.load !== b.load) return a.load < b.load;
  return a.nodeId < b.nodeId;
}
