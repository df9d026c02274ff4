import type { Dice } from './dice.js';

/** What is done to a process or a host of the lab. */
export type Operation = 'kill' | 'hang' | 'cut' | 'heal' | 'start' | 'stop';

/** One thing that is done, so many ms after the fault's beginning. */
export interface Step {
  readonly atMs: number;
  readonly operation: Operation;
  readonly target: string;
  /** With `cut`: the one host or process that the target is to be cut off from. */
  readonly from?: string;
}

/** Who is there to be hurt. */
export interface Cast {
  /** The Asterisk nodes. */
  readonly nodes: readonly string[];
}

/** One fault, drawn: what is done when, and to whom. */
export interface Drawn {
  readonly steps: readonly Step[];
  /** Nodes whose Asterisk is over for good by it, in the order of their deaths. Calls of no other may be touched. */
  readonly dying: readonly string[];
}

/** A kind of fault. */
export interface Fault {
  readonly id: string;
  /** For the table: what is done, in one sentence. */
  readonly title: string;
  /** ms from a death: a phone that hangs up by itself earlier than that was not waited for, and does not count as lost. */
  readonly patienceMs: number;
  /** Where the design cannot promise that nothing is lost, later too: what is lost, and why. */
  readonly noPromise?: string;
  readonly draw: (dice: Dice, cast: Cast) => Drawn;
}

/** A fault in the schedule. */
export interface Injection extends Drawn {
  readonly index: number;
  readonly fault: string;
  /** ms from the beginning of the faults. */
  readonly atMs: number;
}
