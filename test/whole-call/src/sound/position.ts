import type { Heard } from './ear.js';
import type { Span } from './hearing.js';
import { PIECE_MS } from './sounds.js';

/** Fewer tenths of a second say too little. */
const ENOUGH = 8;

/**
 * When the prompt that is heard in that time would have begun, had it been heard from its beginning: epoch ms, to a tenth of a
 * second. Null where too little of it is heard.
 */
export function beginningOf(heard: readonly Heard[], { from, to }: Span): number | null {
  const beginnings = heard
    .filter(({ at }) => at >= from && at < to)
    .flatMap(({ at, piece }) => (piece === null ? [] : [at - piece * PIECE_MS]));
  // Whoever hears the very beginning of a piece is nearest.
  return beginnings.length < ENOUGH ? null : Math.min(...beginnings);
}

/** How the prompt went on over a crash: ms in the prompt. */
export interface Continuation {
  /** Where it was when the node died. */
  readonly leftAt: number;
  /** Where it was when it was heard again. */
  readonly wentOnAt: number;
}

/** How long before the crash, and after the prompt is heard again, is listened to. */
const LISTEN_MS = 2_500;

/** @returns null where the prompt was not heard before, or is not after the crash. */
export function continuationOf(heard: readonly Heard[], crashAt: number): Continuation | null {
  const before = beginningOf(heard, { from: crashAt - LISTEN_MS, to: crashAt });
  // What was under way when the node died has arrived by then.
  const again = heard.find(({ at, piece }) => at > crashAt + 100 && piece !== null);
  if (before === null || again === undefined) return null;
  const after = beginningOf(heard, { from: again.at, to: again.at + LISTEN_MS });
  return after === null ? null : { leftAt: crashAt - before, wentOnAt: again.at - after };
}
