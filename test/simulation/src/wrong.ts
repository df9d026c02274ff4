/** Parts that are wrong on purpose, to see whether the simulation notices. All false in every other run. */
export interface Wrong {
  /** The store appends whatever version the writer has seen. */
  readonly noVersionCheck: boolean;
  /** A sentinel takes a fence for done without asking anybody. */
  readonly noFence: boolean;
  /** Sentinels suspect after next to no silence, and none asks another. */
  readonly noPatience: boolean;
  /** An ari-worker originates again when a command is delivered again. */
  readonly originateAgain: boolean;
  /** An ari-worker acknowledges commands that it does not carry out. */
  readonly commandsDropped: boolean;
  /** Whoever appended fails to publish now and then, and nothing that was left in the outbox is ever published. */
  readonly noRelay: boolean;
  /** Plans are recorded also where recovery was stopped after they had been made. */
  readonly noGuard: boolean;
  /** Nobody looks at the deadlines. */
  readonly noDeadlines: boolean;
  /** What was seen of a commanded call is acknowledged before it is recorded, and agents are not asked about it. */
  readonly factsAckedEarly: boolean;
  /** The read side is not written. */
  readonly noReadSide: boolean;
  /** Agents hold no lease, though sentinels think that they do: one that was granted before is never kept. */
  readonly noLease: boolean;
  /** Replicas of recovery give calls to nodes that flap. */
  readonly noFlapping: boolean;
  /** … and to further nodes what has killed as many as it may. */
  readonly noCrashLimit: boolean;
  /** … and do not ask when most nodes are down. */
  readonly noQuestion: boolean;
  /** A sentinel takes the majority's voices for given. */
  readonly noMajority: boolean;
}

export const nothingWrong: Wrong = {
  noVersionCheck: false,
  noFence: false,
  noPatience: false,
  originateAgain: false,
  commandsDropped: false,
  noRelay: false,
  noGuard: false,
  noDeadlines: false,
  factsAckedEarly: false,
  noReadSide: false,
  noLease: false,
  noFlapping: false,
  noCrashLimit: false,
  noQuestion: false,
  noMajority: false,
};
