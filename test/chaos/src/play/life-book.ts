import type { Lab } from '@reinvite/lab';
import type { Life } from '../check/evidence.js';

type OpenLife = { -readonly [Key in keyof Life]: Life[Key] };

/** The lives of every node's Asterisk: when each began, fell silent and was gone, and by which fault. */
export class LifeBook {
  private readonly book: OpenLife[];

  /** The nodes that are there from the beginning. */
  constructor(
    private readonly lab: Lab,
    nodes: readonly string[],
  ) {
    this.book = nodes.map((node) => lifeOf(node, -Infinity));
  }

  get lives(): readonly Life[] {
    return this.book;
  }

  /** A node is about to be started again. */
  begins(node: string): void {
    this.book.push(lifeOf(node, Date.now()));
  }

  /**
   * A fault that is to end the life has begun; it cannot end what is over already.
   * @param killed it has been sent SIGKILL at that moment: it does nothing any more, whenever its end is noticed.
   */
  fallsSilent(node: string, at: number, injection: number, killed: boolean): void {
    const life = this.current(node);
    if (life.endedAt !== null) return;
    life.silentAt ??= at;
    if (killed) life.endedAt = at;
    life.injection ??= injection;
  }

  /** Notes whose process is gone, whoever ended it. */
  async look(): Promise<void> {
    const { units } = await this.lab.status();
    for (const { name, state, endedAt } of units) {
      const life = this.book.filter(({ node }) => node === name).at(-1);
      if (life === undefined || life.endedAt !== null || state !== 'ended') continue;
      life.endedAt = endedAt ?? Date.now();
      life.silentAt ??= life.endedAt;
    }
  }

  /** Whether the current life of the node is over. */
  isOver(node: string): boolean {
    return this.current(node).endedAt !== null;
  }

  private current(node: string): OpenLife {
    const life = this.book.filter((one) => one.node === node).at(-1);
    if (life === undefined) throw new Error(`${node} is no node of the lab`);
    return life;
  }
}

function lifeOf(node: string, startedAt: number): OpenLife {
  return { node, startedAt, silentAt: null, endedAt: null, injection: null };
}
