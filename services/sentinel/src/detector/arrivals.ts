/**
 * How improbable a silence is, from the heartbeats that came before it: the phi-accrual detector of Hayashibara, Défago, Yared
 * and Katayama (SRDS 2004), with one difference. There a lost heartbeat only widens the distribution of intervals; here loss is
 * estimated by itself, so that a network which drops one in ten is told from one that is late by a little. The time until the
 * next heartbeat is a mixture: with probability p^(j-1)(1-p) it is the j-th from now that arrives, j intervals away, give or
 * take the jitter that was seen.
 */

/** Heartbeats that are remembered. */
const WINDOW = 200;
/** A node that nothing is known of yet counts as one that loses this share of so many heartbeats. */
const PRIOR_LOST = 0.5;
const PRIOR_SENT = 10;
/** Jitter is taken for no smaller than this share of the interval: a machine may become busier than it was. */
const LEAST_JITTER_SHARE = 0.25;
/** Beyond so many standard deviations nothing is added to the sum that a double could show beside the rest. */
const FAR = 8;
/** What is left of the sum is smaller than this by then, and phi far above every level. */
const NEGLIGIBLE = 1e-300;

/** The arrivals of one node's heartbeats, of one interval. */
export interface Arrivals {
  readonly intervalMs: number;
  /** Monotonic ms of the latest; null where what follows it is no interval, as after the listener was deaf. */
  readonly lastAt: number | null;
  readonly window: readonly Arrival[];
}

interface Arrival {
  /** Heartbeats that should have come between this one and the one before. */
  readonly missed: number;
  /** How much later than due it came; negative for earlier. */
  readonly lateMs: number;
}

export const noArrivals: Arrivals = { intervalMs: 0, lastAt: null, window: [] };

/** A heartbeat came. One with another interval than before begins anew. */
export function arrive(arrivals: Arrivals, intervalMs: number, mono: number): Arrivals {
  if (intervalMs !== arrivals.intervalMs) return { intervalMs, lastAt: mono, window: [] };
  if (arrivals.lastAt === null) return { ...arrivals, lastAt: mono };
  const gap = mono - arrivals.lastAt;
  const due = Math.max(1, Math.round(gap / intervalMs));
  const window = [...arrivals.window, { missed: due - 1, lateMs: gap - due * intervalMs }];
  return { intervalMs, lastAt: mono, window: window.slice(-WINDOW) };
}

/** What was not heard while the listener was deaf was perhaps not lost: the gap counts for nothing. */
export function forgive(arrivals: Arrivals): Arrivals {
  return { ...arrivals, lastAt: null };
}

/**
 * The negative decimal logarithm of the probability that a live node is silent for so long (ms). Grows with the silence; 0
 * where no interval is known.
 */
export function phi({ intervalMs, window }: Arrivals, silentMs: number): number {
  if (intervalMs === 0) return 0;
  const lost = lossOf(window);
  const jitterMs = jitterOf(window, intervalMs);
  let probability = 0;
  let weight = 1 - lost;
  let left = 1;
  for (let next = 1; next * intervalMs - silentMs < FAR * jitterMs && left > NEGLIGIBLE; next += 1) {
    probability += weight * upperTail((silentMs - next * intervalMs) / jitterMs);
    weight *= lost;
    left *= lost;
  }
  return -Math.log10(Math.max(probability + left, Number.MIN_VALUE));
}

function lossOf(window: readonly Arrival[]): number {
  const missed = window.reduce((sum, arrival) => sum + arrival.missed, 0);
  return (missed + PRIOR_LOST) / (window.length + missed + PRIOR_SENT);
}

function jitterOf(window: readonly Arrival[], intervalMs: number): number {
  const squares = window.reduce((sum, { lateMs }) => sum + lateMs ** 2, 0);
  return Math.max(Math.sqrt(squares / Math.max(1, window.length)), intervalMs * LEAST_JITTER_SHARE);
}

/**
 * Probability that a standard normal variable is greater than x; relative error below 1.2e-7 for every x (Numerical Recipes,
 * 2nd edition, section 6.2, `erfcc`).
 */
function upperTail(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * z);
  const series = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ];
  const sum = series.reduceRight((value, coefficient) => value * t + coefficient, 0);
  const tail = 0.5 * t * Math.exp(-z * z + sum);
  return x >= 0 ? tail : 1 - tail;
}
