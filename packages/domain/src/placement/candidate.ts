import type { Heartbeat } from '../node.js';

/** A node that can take recovered calls now. */
export interface Candidate {
  readonly nodeId: string;
  readonly incarnation: string;
  /** The group that its configuration gives it. */
  readonly group: string;
  /** Live channels, and legs that are on their way to it. */
  readonly load: number;
  /** Taken only where no other is left: a node that has just come back from a crash, say. */
  readonly lastResort: boolean;
}

/** What is known of a node beyond its last heartbeat. */
export interface NodeStanding {
  readonly heartbeat: Heartbeat;
  readonly group: string;
  /** Our clock when the heartbeat came, epoch ms: node clocks need not agree. */
  readonly heardAt: number;
  /** Incarnations that have been declared dead. */
  readonly dead: ReadonlySet<string>;
  /** When the last of them died, epoch ms; null where none has. */
  readonly diedAt: number | null;
  /** It flaps: until then (epoch ms) it gets no recovered calls. Null or absent where it does not. */
  readonly shunnedUntil?: number | null;
  /** Legs sent to it that its heartbeats cannot show yet. */
  readonly assigned: number;
}

/** A node that has crashed within this time is given calls only where there is no other. */
const DISTRUST_MS = 300_000;

/** Heartbeats that may be missed before a node is no target any more. */
const MISSED_HEARTBEATS = 4;

/**
 * The nodes that can take calls: up, with the recovery module, heard of lately, and not declared dead.
 * @param now epoch ms, our clock
 */
export function candidatesOf(nodes: readonly NodeStanding[], now: number): Candidate[] {
  return nodes.flatMap(({ heartbeat, group, heardAt, dead, diedAt, assigned, shunnedUntil }) => {
    const { nodeId, incarnation, asterisk, recoveryModule, liveChannels, intervalMs } = heartbeat;
    const fresh = now - heardAt <= intervalMs * MISSED_HEARTBEATS;
    if (!fresh || asterisk !== 'up' || !recoveryModule || incarnation === null || dead.has(incarnation))
      return [];
    if (shunnedUntil !== undefined && shunnedUntil !== null && now < shunnedUntil) return [];
    return [
      {
        nodeId,
        incarnation,
        group,
        load: liveChannels + assigned,
        lastResort: diedAt !== null && now - diedAt < DISTRUST_MS,
      },
    ];
  });
}
