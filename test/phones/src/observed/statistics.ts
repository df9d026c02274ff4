/**
 * The value below which the given share of the values lies (nearest rank).
 * @param share from 0 to 1.
 * @returns null where there are no values.
 */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? null;
}
