import { setTimeout as delay } from 'node:timers/promises';
import {
  candidatesOf,
  flappingOf,
  type Candidate,
  type FlappingLimit,
  type Heartbeat,
  type NodeDown,
  type RecoveryStatus,
} from '@reinvite/domain';

/** How long a leg that was sent to a node counts for it: by then the node's heartbeats show it. */
const ASSIGNED_MS = 2_000;

/** More than any limit looks at. */
const DEATHS_KEPT = 50;

interface Entry {
  heartbeat: Heartbeat | null;
  heardAt: number;
  diedAt: number | null;
  /** When its last lives ended, epoch ms. */
  deaths: readonly number[];
  readonly dead: Set<string>;
  assigned: { readonly legs: number; readonly until: number }[];
}

/**
 * What this replica knows of every configured node: its last heartbeat, its dead incarnations, and the legs just sent to it. Of
 * others nothing is kept: no ari-worker could carry out what is sent to them.
 */
export class NodeBook {
  private readonly nodes = new Map<string, Entry>();
  private readonly waiting = new Set<() => void>();

  private readonly openedAt: number;

  /**
   * @param groups of every configured node the group that it is in.
   * @param now epoch ms, as everywhere here.
   * @param listenMs how long to listen, from now on, before every node that beats has been heard.
   * @param flapping when a node has died too often to be given calls; null: never.
   */
  constructor(
    private readonly groups: ReadonlyMap<string, string>,
    private readonly now: () => number,
    private readonly listenMs: number,
    private readonly flapping: FlappingLimit | null = null,
  ) {
    this.openedAt = now();
  }

  heard(heartbeat: Heartbeat): void {
    const entry = this.entry(heartbeat.nodeId);
    if (entry === undefined) return;
    entry.heartbeat = heartbeat;
    entry.heardAt = this.now();
    for (const wake of this.waiting) wake();
  }

  died({ nodeId, incarnation, at }: Pick<NodeDown, 'nodeId' | 'incarnation' | 'at'>): void {
    const entry = this.entry(nodeId);
    if (entry === undefined) return;
    if (!entry.dead.has(incarnation)) entry.deaths = [...entry.deaths, at].slice(-DEATHS_KEPT);
    entry.dead.add(incarnation);
    entry.diedAt = Math.max(entry.diedAt ?? 0, at);
  }

  /** The node's last heartbeat where it came within `withinMs`, else null. */
  lately(nodeId: string, withinMs: number): Heartbeat | null {
    const entry = this.nodes.get(nodeId);
    return entry !== undefined && this.now() - entry.heardAt <= withinMs ? entry.heartbeat : null;
  }

  /** Legs are on their way to a node. */
  assign(nodeId: string, legs: number): void {
    this.entry(nodeId)?.assigned.push({ legs, until: this.now() + ASSIGNED_MS });
  }

  candidates(): Candidate[] {
    const now = this.now();
    const standings = [...this.nodes].flatMap(([nodeId, entry]) => {
      const group = this.groups.get(nodeId);
      if (entry.heartbeat === null || group === undefined) return [];
      entry.assigned = entry.assigned.filter(({ until }) => until > now);
      const assigned = entry.assigned.reduce((sum, { legs }) => sum + legs, 0);
      const { heartbeat, heardAt, dead, diedAt } = entry;
      const shunnedUntil = this.shunnedUntil(entry);
      return [{ heartbeat, group, heardAt, dead, diedAt, shunnedUntil, assigned }];
    });
    return candidatesOf(standings, now);
  }

  /** Every node that was heard of, for an operator. */
  standings(): RecoveryStatus['nodes'] {
    const now = this.now();
    const fit = new Set(this.candidates().map(({ nodeId }) => nodeId));
    return [...this.nodes].flatMap(([nodeId, entry]) => {
      const { heartbeat, heardAt } = entry;
      if (heartbeat === null) return [];
      const { incarnation, asterisk, liveChannels, recoveryModule } = heartbeat;
      const unfit = recoveryModule ? 'not up' : 'no recovery module';
      const excluded = this.shunnedUntil(entry) === null ? (fit.has(nodeId) ? null : unfit) : 'flapping';
      const heardAgoMs = Math.max(0, Math.round(now - heardAt));
      return [{ nodeId, incarnation, asterisk, heardAgoMs, liveChannels, excluded }];
    });
  }

  private shunnedUntil({ deaths }: Entry): number | null {
    return this.flapping === null ? null : (flappingOf(deaths, this.flapping, this.now())?.until ?? null);
  }

  /**
   * The candidates, once every node could be heard: the whole load of a dead node must not go to the one that happened to beat
   * first. Where there are none, those that turn up within `timeoutMs`.
   */
  async awaitCandidates(timeoutMs: number): Promise<Candidate[]> {
    const unheardMs = this.openedAt + this.listenMs - this.now();
    if (unheardMs > 0) await delay(unheardMs);
    const now = this.candidates();
    if (now.length > 0) return now;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        if (this.candidates().length > 0) settle();
      };
      const settle = (): void => {
        clearTimeout(timer);
        this.waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(settle, timeoutMs);
      this.waiting.add(wake);
    });
    return this.candidates();
  }

  private entry(nodeId: string): Entry | undefined {
    if (!this.groups.has(nodeId)) return undefined;
    let entry = this.nodes.get(nodeId);
    if (entry === undefined) {
      entry = { heartbeat: null, heardAt: 0, diedAt: null, deaths: [], dead: new Set(), assigned: [] };
      this.nodes.set(nodeId, entry);
    }
    return entry;
  }
}
