import type { Random } from './random.js';
import type { Time } from './time.js';
import type { Trace } from './trace.js';

/** Ms that a message takes. */
const USUAL_MS = [0.2, 2] as const;
const SLOW_MS = [5, 400] as const;

/** How messages of a run fare; all of it is drawn from the seed. */
export interface Weather {
  /** How often a message takes long. */
  slow: number;
  /** How often a message of a connectionless kind, or the answer to a request, is lost. */
  loss: number;
}

/**
 * The network between hosts. What one host sends to another over one connection arrives in order or not at all; nothing is
 * said of the order across hosts.
 */
export class Network {
  readonly weather: Weather = { slow: 0, loss: 0 };
  private readonly cuts = new Set<string>();
  private readonly arrivals = new Map<string, number>();
  private readonly watchers = new Set<(a: string, b: string) => void>();

  constructor(
    private readonly random: Random,
    private readonly trace: Trace,
    private readonly time: Pick<Time, 'later'>,
  ) {}

  /** Whether messages between the two pass. A host can always talk to itself. */
  isOpen(a: string, b: string): boolean {
    return a === b || !this.cuts.has(pair(a, b));
  }

  cut(a: string, b: string): void {
    if (a === b || this.cuts.has(pair(a, b))) return;
    this.trace.note('network', `cut ${a} | ${b}`);
    this.cuts.add(pair(a, b));
    for (const watcher of this.watchers) watcher(a, b);
  }

  heal(a: string, b: string): void {
    if (this.cuts.delete(pair(a, b))) this.trace.note('network', `heal ${a} | ${b}`);
  }

  healAll(): void {
    for (const key of [...this.cuts]) {
      const [a = '', b = ''] = key.split(' ');
      this.heal(a, b);
    }
  }

  /** Told of every cut at once: a connection over it is lost, though its ends learn it later. */
  onCut(watcher: (a: string, b: string) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /**
   * Sends; `arrive` is called when and if it arrives.
   * @param stream what is sent in one stream arrives in order.
   */
  send(from: string, to: string, stream: string, arrive: () => void): void {
    if (!this.isOpen(from, to)) return;
    const now = performance.now();
    const key = `${from} ${to} ${stream}`;
    const due = Math.max(now + this.latency(from, to), this.arrivals.get(key) ?? 0);
    this.arrivals.set(key, due);
    this.time.later(due - now, () => {
      if (this.isOpen(from, to)) arrive();
    });
  }

  /** Whether this one message is lost. */
  loses(): boolean {
    return this.weather.loss > 0 && this.random.chance(this.weather.loss);
  }

  private latency(from: string, to: string): number {
    if (from === to) return 0.1;
    const slow = this.weather.slow > 0 && this.random.chance(this.weather.slow);
    const [least, most] = slow ? SLOW_MS : USUAL_MS;
    return least + this.random.float() * (most - least);
  }
}

function pair(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
