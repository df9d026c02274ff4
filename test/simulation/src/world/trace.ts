import { createHash } from 'node:crypto';

export interface Note {
  /** Virtual ms. */
  readonly at: number;
  readonly who: string;
  readonly what: string;
}

/** What happened in a run, in order. Two runs of one seed have the same hash, or the simulation itself is at fault. */
export class Trace {
  private readonly digest = createHash('sha256');
  private readonly kept: Note[] = [];
  private count = 0;

  constructor(
    private readonly now: () => number,
    private readonly keep: boolean,
  ) {}

  note(who: string, what: string): void {
    const at = Math.round(this.now() * 1_000) / 1_000;
    this.digest.update(`${at} ${who} ${what}\n`);
    this.count += 1;
    if (this.keep) this.kept.push({ at, who, what });
  }

  get notes(): readonly Note[] {
    return this.kept;
  }

  get length(): number {
    return this.count;
  }

  /** Lower-case hex; the trace takes no more notes. */
  hash(): string {
    return this.digest.digest('hex');
  }
}
