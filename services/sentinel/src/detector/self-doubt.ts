/**
 * How far the sentinel may trust itself (Dadgar, Phillips and Currey, "Lifeguard: Local Health Awareness for More Accurate
 * Failure Detection", 2017). Its own late timers and late echoes raise a score, sound ones lower it, and every silence that is
 * held against a node has to be longer by the factor that follows.
 */
export interface SelfDoubt {
  readonly score: number;
  /** Sound ticks in a row. */
  readonly sound: number;
  /** Monotonic ms of the latest tick. */
  readonly tickAt: number | null;
}

const MAX_SCORE = 4;
/** So many sound ticks take one from the score. */
const SOUND_TICKS = 10;

export const noDoubt: SelfDoubt = { score: 0, sound: 0, tickAt: null };

/** A tick that should come every `intervalMs`. Each interval that it is late adds to the score. */
export function tick(doubt: SelfDoubt, mono: number, intervalMs: number): SelfDoubt {
  const late = doubt.tickAt === null ? 0 : Math.floor((mono - doubt.tickAt - intervalMs) / intervalMs);
  if (late > 0) return { ...worse(doubt, late), tickAt: mono };
  const sound = doubt.sound + 1;
  if (sound < SOUND_TICKS) return { ...doubt, sound, tickAt: mono };
  return { score: Math.max(0, doubt.score - 1), sound: 0, tickAt: mono };
}

/** An echo came back after so long; one that was late adds to the score. */
export function echo(doubt: SelfDoubt, roundTripMs: number, intervalMs: number): SelfDoubt {
  return roundTripMs > intervalMs ? worse(doubt, 1) : doubt;
}

/** By how much longer than usual a silence has to be. 1 for a sound sentinel. */
export function patience({ score }: SelfDoubt): number {
  return 1 + score;
}

function worse(doubt: SelfDoubt, by: number): SelfDoubt {
  return { ...doubt, score: Math.min(MAX_SCORE, doubt.score + by), sound: 0 };
}
