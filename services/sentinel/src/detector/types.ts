import type { FactsTold, Heartbeat, NodeDown, NodeEvent, NodeHistory, ProcessGone } from '@reinvite/domain';
import type { Arrivals } from './arrivals.js';

/** Silence is measured on the monotonic clock: the wall clock may jump. */
export interface Moment {
  /** Milliseconds of a monotonic clock. */
  readonly mono: number;
  /** Epoch ms, for the events. */
  readonly at: number;
}

/** As in the configuration's section `sentinel`. */
export interface DetectorSettings {
  readonly suspectAfterMs: number;
  readonly suspectWithinMs: number;
  readonly suspicionLevel: number;
  readonly hangAfterMs: number;
  readonly fenceAfterMs: number;
}

/** What the detector of one node is told. */
export type Observation =
  | { readonly kind: 'heartbeat'; readonly heartbeat: Heartbeat }
  | { readonly kind: 'process-gone'; readonly gone: ProcessGone }
  /** `patience`: by how much longer than usual a silence has to be, 1 where it is not given. */
  | { readonly kind: 'tick'; readonly patience?: number }
  /** The node's Asterisk has answered the sentinel itself, and said which life it is in. */
  | { readonly kind: 'answered'; readonly incarnation: string }
  /** The sentinel itself could not hear; silence counts from `graceMs` later on. */
  | { readonly kind: 'hearing-restored'; readonly graceMs?: number }
  | {
      readonly kind: 'fenced';
      readonly incarnation: string;
      readonly by: 'agent' | 'command' | 'lease';
      /** Null where its agent did not say. */
      readonly told: FactsTold | null;
      /** How long ago, ms, its agent had seen it end; left out where that was not before. */
      readonly agoMs?: number;
      /** The sentinels that agreed; left out where there is one. */
      readonly agreedBy?: readonly string[];
    }
  | { readonly kind: 'fence-failed'; readonly incarnation: string; readonly reason: string }
  /** Nothing was done to it: others did not agree, or something has to be waited for. It is tried again after `waitMs`. */
  | {
      readonly kind: 'fence-put-off';
      readonly incarnation: string;
      readonly waitMs: number;
      readonly reason: string;
    }
  /** A person says that the current life is over. */
  | { readonly kind: 'declared-down'; readonly requestedBy: string; readonly reason: string };

/** One node as the detector sees it. */
export interface Watch {
  readonly nodeId: string;
  readonly history: NodeHistory;
  /** When the current life was last known to be well, or when listening began; in the future while nothing is held against it. */
  readonly wellAt: number;
  /** When the latest heartbeat came, whatever it said, or when listening began. */
  readonly heardAt: number;
  readonly arrivals: Arrivals;
  /** When its agent said last that the current life is up, epoch ms of the host's own clock; null where it did not. */
  readonly upAt: number | null;
  /** The latest heartbeat that did not say `up`; null once one did. */
  readonly unwell: { readonly at: number; readonly status: 'unresponsive' | 'starting' | 'down' } | null;
  /**
   * For how long no witness beside the node's Asterisk has had a sign of life, ms, as its latest heartbeat said; null where that
   * said nothing of witnesses.
   */
  readonly unseenMs: number | null;
  /** Present while the node is suspected. */
  readonly suspicion: Suspicion | null;
}

export type Cause = Extract<NodeEvent, { type: 'NodeSuspected' }>['cause'];

export interface Suspicion {
  /** Null where it was begun by a sentinel before this one. */
  readonly cause: Cause | null;
  readonly since: number;
  readonly fencing: boolean;
  readonly fenceTries: number;
  /** Since when the fence has been put off and should not be, null before the first time; `told`: it was said that it is for too long. */
  readonly putOff: { readonly since: number; readonly told: boolean } | null;
  /** No fence before this moment. */
  readonly fenceAt: number;
}

export interface Verdict {
  readonly watch: Watch;
  /** To be recorded, in order. */
  readonly events: readonly NodeEvent[];
  /** The incarnation to fence now; its result comes back as an observation. */
  readonly fence: string | null;
  /** An incarnation that goes on though it was declared down: its agent has to kill it. */
  readonly revenant: string | null;
  /** A life that is heard of while the current one is not known to be over: two Asterisks may be named by one node. */
  readonly second: string | null;
}

export type Evidence = NodeDown['evidence'];
