import type { Heartbeat, NodeEvent, NodeHistory, ProcessGone } from '@reinvite/domain';

/** Silence is measured on the monotonic clock: the wall clock may jump. */
export interface Moment {
  /** Milliseconds of a monotonic clock. */
  readonly mono: number;
  /** Epoch ms, for the events. */
  readonly at: number;
}

export interface DetectorSettings {
  readonly suspectAfterMs: number;
  readonly fenceAfterMs: number;
}

/** What the detector of one node is told. */
export type Observation =
  | { readonly kind: 'heartbeat'; readonly heartbeat: Heartbeat }
  | { readonly kind: 'process-gone'; readonly gone: ProcessGone }
  | { readonly kind: 'tick' }
  /** The node's Asterisk has answered the sentinel itself, and said which life it is in. */
  | { readonly kind: 'answered'; readonly incarnation: string }
  /** The sentinel itself could not hear; silence counts from now. */
  | { readonly kind: 'hearing-restored' }
  | {
      readonly kind: 'fenced';
      readonly incarnation: string;
      readonly by: 'agent' | 'command';
      readonly lastFactSeq: number | null;
    }
  | { readonly kind: 'fence-failed'; readonly incarnation: string; readonly reason: string };

/** One node as the detector sees it. */
export interface Watch {
  readonly nodeId: string;
  readonly history: NodeHistory;
  /** When the current life was last known to be well, or when listening began. */
  readonly wellAt: number;
  /** When the latest heartbeat came, whatever it said, or when listening began. */
  readonly heardAt: number;
  /** The latest heartbeat's own interval; 0 before the first. */
  readonly intervalMs: number;
  /** The latest heartbeat that did not say `up`; null once one did. */
  readonly unwell: { readonly at: number; readonly status: 'unresponsive' | 'starting' | 'down' } | null;
  /** Present while the node is suspected. */
  readonly suspicion: Suspicion | null;
}

export interface Suspicion {
  readonly since: number;
  readonly fencing: boolean;
  readonly fenceTries: number;
  /** No fence before this moment. */
  readonly fenceAt: number;
}

export interface Verdict {
  readonly watch: Watch;
  /** To be recorded, in order. */
  readonly events: readonly NodeEvent[];
  /** The incarnation to fence now; its result comes back as an observation. */
  readonly fence: string | null;
}
