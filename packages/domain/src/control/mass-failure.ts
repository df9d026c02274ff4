/** The end of one life of a node, as evidence showed it. `at`: epoch ms. */
export interface NodeDeath {
  readonly nodeId: string;
  readonly incarnation: string;
  readonly at: number;
}

export interface MassFailureLimit {
  /** More than this share of the nodes: 0.5 is more than half. 1 is never exceeded. */
  readonly share: number;
  /** Fewer nodes are never a mass failure. */
  readonly minNodes: number;
  /** Deaths that lie no further apart count as one failure. */
  readonly withinMs: number;
}

/**
 * The deaths that make a mass failure, one for each node, oldest first; null where there is none. A network fault, a bad
 * upgrade, a wrong command look like that, and a node that crashes by itself does not. A node of which another life runs is not
 * down any more.
 */
export function massFailureOf(
  deaths: readonly NodeDeath[],
  nodeIds: readonly string[],
  back: ReadonlySet<string>,
  { share, minNodes, withinMs }: MassFailureLimit,
): NodeDeath[] | null {
  const known = new Set(nodeIds);
  const latest = new Map<string, NodeDeath>();
  for (const death of deaths) {
    if (!known.has(death.nodeId) || back.has(death.nodeId)) continue;
    if (death.at >= (latest.get(death.nodeId)?.at ?? 0)) latest.set(death.nodeId, death);
  }
  const last = Math.max(...[...latest.values()].map(({ at }) => at));
  const atOnce = [...latest.values()].filter(({ at }) => last - at <= withinMs);
  if (atOnce.length < minNodes || atOnce.length <= share * nodeIds.length) return null;
  return atOnce.sort((one, other) => one.at - other.at || one.nodeId.localeCompare(other.nodeId));
}
