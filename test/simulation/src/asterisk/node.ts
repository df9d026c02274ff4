import type { World } from '../world/world.js';
import { Life } from './life.js';
import type { Surroundings, Troubles } from './surroundings.js';
import { Machine } from './machine.js';

/** A host with an Asterisk, over its lives. */
export class Node {
  readonly lives: Life[] = [];
  readonly machine = new Machine(this);

  constructor(
    private readonly world: World,
    readonly id: string,
    private readonly surroundings: Surroundings<Life>,
  ) {}

  /** The latest life, dead or alive; undefined before the first. */
  get life(): Life | undefined {
    return this.lives.at(-1);
  }

  /** Begins a new life; one that lives goes on. */
  start(): Life {
    const current = this.life;
    if (current?.isAlive() === true) return current;
    const life = new Life(this.world, this.id, this.surroundings);
    this.lives.push(life);
    this.world.trace.note(this.id, `Asterisk ${life.incarnation} starts`);
    return life;
  }

  get troubles(): Readonly<Troubles> {
    return this.surroundings.troublesOf(this.id);
  }

  /** When (virtual ms) a partition kept everybody from it; the last may go on. */
  readonly absences: { readonly from: number; to: number }[] = [];

  lifeOf(incarnation: string): Life | undefined {
    return this.lives.find((one) => one.incarnation === incarnation);
  }
}
