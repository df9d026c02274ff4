/**
 * Whether the sentinel itself can hear. It sends itself echoes through NATS; while they do not come back in time, its
 * connection is away or its own process stood still, and the silence of a node means nothing.
 */
export interface Hearing {
  /** Monotonic ms of the latest echo, null before the first. */
  readonly echoAt: number | null;
  readonly limitMs: number;
}

/** A node that was cut off longer than this with the sentinel has had time enough to come back. */
const MAX_GRACE_MS = 10_000;

export function startHearing(limitMs: number): Hearing {
  return { echoAt: null, limitMs };
}

/** True while silence may be held against a node. */
export function canHear({ echoAt, limitMs }: Hearing, mono: number): boolean {
  return echoAt !== null && mono - echoAt <= limitMs;
}

/**
 * An echo came back. `restored`: before it nothing could be heard, so silence counts from now, and `graceMs` later: what cut the
 * sentinel off may have cut off others, whose TCP waits up to twice as long between two attempts (RFC 6298 section 5.5) and so
 * comes back as much later as the sentinel was away.
 */
export function hearEcho(
  hearing: Hearing,
  mono: number,
): { readonly hearing: Hearing; readonly restored: boolean; readonly graceMs: number } {
  const { echoAt } = hearing;
  const awayMs = echoAt === null ? 0 : mono - echoAt;
  return {
    hearing: { ...hearing, echoAt: mono },
    restored: !canHear(hearing, mono),
    graceMs: Math.min(awayMs, MAX_GRACE_MS),
  };
}
