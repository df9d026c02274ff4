import type { Logger } from '@reinvite/runtime';
import type { AriAccess } from './access.js';

/** How to reach one Asterisk, and as which application. */
export interface AriOptions extends AriAccess {
  /**
   * Stasis application under which the WebSocket registers. One connection has it at a time: a second one with the same
   * name takes it from the first, so replicas need names of their own.
   */
  readonly app: string;
  /** Receive the events of every channel and bridge of the node, not only those of the application. */
  readonly subscribeAll?: boolean;
  /** A peer that is silent this long, also to pings, counts as lost. */
  readonly livenessMs?: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}
