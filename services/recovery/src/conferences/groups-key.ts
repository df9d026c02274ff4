/** Groups of nodes, as they stand in `conference_homes`. */
export function groupsKey(groups: readonly string[]): string {
  return [...new Set(groups)].sort().join(',');
}
