import type { Evidence } from './evidence.js';
import { withoutStreams } from './exchange.js';

/** Of all dialogs of a Call-ID together, in characters of JSON: a hundred times what a call has whose INVITE forked. */
const MAX_EVIDENCE = 1_048_576;
/** So few dialogs cannot come far above it, whatever they consist of: nearly no Call-ID has more, and needs to be measured. */
const MEASURED_FROM = 5;

type Dialogs = ReadonlyMap<string, Evidence>;

const lengths = new WeakMap<Evidence, number>();

/** Characters of JSON. */
export function lengthOf(evidence: Evidence): number {
  const known = lengths.get(evidence);
  if (known !== undefined) return known;
  const { length } = JSON.stringify(evidence);
  lengths.set(evidence, length);
  return length;
}

/** Whether the dialogs of a Call-ID are all that may be kept of it. */
export function isFull(dialogs: Dialogs): boolean {
  if (dialogs.size < MEASURED_FROM) return false;
  let length = 0;
  for (const evidence of dialogs.values()) length += lengthOf(evidence);
  return length > MAX_EVIDENCE;
}

/** What a message has made of the dialogs of its Call-ID; where they are too much, it adds nothing to a session. */
export function withinBudget(before: Dialogs, after: Dialogs): Dialogs {
  if (!isFull(after)) return after;
  const kept = new Map(after);
  for (const [key, evidence] of after) {
    if (before.get(key) === evidence) continue;
    kept.set(key, { ...evidence, exchanges: evidence.exchanges.map(withoutStreams) });
  }
  return kept;
}
