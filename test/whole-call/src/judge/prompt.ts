import type { Continuation } from '../sound/position.js';

/** The prompt may be over by a second, either way. */
const TOLERANCE_MS = 1_000;

/** What is wrong with how the prompt went on; null is one that was not heard before or after. */
export function promptFaults(continuation: Continuation | null): string[] {
  if (continuation === null) return ['the prompt was not heard again'];
  const { leftAt, wentOnAt } = continuation;
  if (Math.abs(wentOnAt - leftAt) <= TOLERANCE_MS) return [];
  return [`the prompt went on at ${Math.round(wentOnAt)} ms, and was at ${Math.round(leftAt)} ms`];
}
