/**
 * Whether the sentinel itself can hear. It sends itself echoes through NATS; while they do not come back in time, its
 * connection is away or its own process stood still, and the silence of a node means nothing.
 */
export interface Hearing {
  /** Monotonic ms of the latest echo, null before the first. */
  readonly echoAt: number | null;
  readonly limitMs: number;
}

export function startHearing(limitMs: number): Hearing {
  return { echoAt: null, limitMs };
}

/** True while silence may be held against a node. */
export function canHear({ echoAt, limitMs }: Hearing, mono: number): boolean {
  return echoAt !== null && mono - echoAt <= limitMs;
}

/** An echo came back. `restored`: before it nothing could be heard, so silence counts from now. */
export function hearEcho(
  hearing: Hearing,
  mono: number,
): { readonly hearing: Hearing; readonly restored: boolean } {
  return { hearing: { ...hearing, echoAt: mono }, restored: !canHear(hearing, mono) };
}
