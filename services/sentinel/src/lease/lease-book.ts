/**
 * The leases that one sentinel has granted. docs/detection.md proves what follows from them; it rests on these:
 *
 * 1. A grant is in the book before the agent can know of it, so it began no later, by any clock, than it stands here.
 * 2. A lease whose end this sentinel has once asserted is never renewed.
 * 3. Of a life that never asked this sentinel for a lease it says nothing: a node without a lease kills nobody.
 */

/** Two clocks of which each gains or loses no more than one part in a thousand: twice what NTP may slew (500 ppm). */
const DRIFT = 0.002;
/**
 * From the end of a lease, by the node's clock, to the death of its Asterisk: the guard looks every 50 ms, and a machine that is
 * out of processor makes it wait.
 */
const KILL_MARGIN_MS = 2_000;

interface Grant {
  readonly incarnation: string;
  /** Monotonic ms. */
  readonly at: number;
  readonly leaseMs: number;
}

export class LeaseBook {
  private readonly grants = new Map<string, Grant>();
  /** Lives whose lease was said to be over. */
  private readonly ended = new Set<string>();

  /** @returns false where this sentinel has said that the lease is over: it is bound by that, and others may not be. */
  grant(nodeId: string, incarnation: string, leaseMs: number, mono: number): boolean {
    if (this.ended.has(keyOf(nodeId, incarnation))) return false;
    this.grants.set(nodeId, { incarnation, at: mono, leaseMs });
    return true;
  }

  /** The agent gives it up: it no longer kills its Asterisk when it hears of nobody. */
  release(nodeId: string, incarnation: string): void {
    if (this.grants.get(nodeId)?.incarnation === incarnation) this.grants.delete(nodeId);
  }

  /** How long, ms, until the lease of this life is over for certain; null where there is none. */
  leftMs(nodeId: string, incarnation: string, mono: number): number | null {
    const grant = this.grants.get(nodeId);
    if (grant?.incarnation !== incarnation) return null;
    return Math.max(0, grant.at + grant.leaseMs * (1 + DRIFT) + KILL_MARGIN_MS - mono);
  }

  /** Whether the lease is over for certain; null where there is none. True binds: the lease is never renewed. */
  isOver(nodeId: string, incarnation: string, mono: number): boolean | null {
    const left = this.leftMs(nodeId, incarnation, mono);
    if (left === null) return null;
    if (left > 0) return false;
    this.ended.add(keyOf(nodeId, incarnation));
    return true;
  }
}

function keyOf(nodeId: string, incarnation: string): string {
  return `${nodeId} ${incarnation}`;
}
