/** How the fake fails. Everything may be changed while it runs. */
export interface Behaviour {
  /**
   * Messages are written in batches, one batch each `flushMs` by each of `writers` in turn: so a message is visible late, and
   * a later one may be visible before it.
   */
  flushMs: number;
  writers: number;
  /** HOMER 7 answers 201 with nothing, HOMER 11 answers 500. */
  databaseDown: boolean;
  /** What some versions of HOMER 7 answer to a missing token. */
  missingTokenStatus: 400 | 401;
  /** How long a token is good. */
  tokenLifetimeMs: number;
  /** Unit of `micro_ts` in HOMER 7: ms up to 1.5.15, µs after it. */
  microTs: 'ms' | 'us';
  /** Whether legs, RTCP and logs that HOMER thinks belong to the call come along. */
  correlates: boolean;
  /** How long each answer takes. */
  answerAfterMs: number;
  /** Statuses with which the next queries are answered, as by a proxy whose HOMER is away; `reset` cuts the connection. */
  next: (number | 'reset')[];
  /** How a panic of HOMER 7 looks: straight, or through a proxy. */
  panicAs: 'reset' | 502;
}

export function defaultBehaviour(): Behaviour {
  return {
    flushMs: 4_000,
    writers: 4,
    databaseDown: false,
    missingTokenStatus: 401,
    tokenLifetimeMs: 1_200_000,
    microTs: 'us',
    correlates: false,
    answerAfterMs: 0,
    next: [],
    panicAs: 'reset',
  };
}
