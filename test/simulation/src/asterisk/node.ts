import type { World } from '../world/world.js';
import { Life, type Surroundings } from './life.js';

/** A host with an Asterisk, over its lives. */
export class Node {
  readonly lives: Life[] = [];

  constructor(
    private readonly world: World,
    readonly id: string,
    private readonly surroundings: Surroundings,
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

  lifeOf(incarnation: string): Life | undefined {
    return this.lives.find((one) => one.incarnation === incarnation);
  }
}
