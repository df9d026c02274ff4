import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import type { Random } from './random.js';

const realImmediate = setImmediate;
const realRandom = Math.random;
const realUuid = crypto.randomUUID;

/** When every run begins, epoch ms. */
export const BEGINNING = 1_700_000_000_000;

/** Whose work is being done. What it has timers for is its own work too, and waits while it stands still. */
export interface Owner {
  /** Does it now, or once it goes on. */
  run(work: () => void, isTimer: boolean): void;
}

interface OwnTimer {
  isCleared: boolean;
  /** Its owner stands still, and will do it once. */
  isWaiting: boolean;
}

const TIMERS = ['Timeout', 'Interval', 'Immediate'] as const;

type SetTimer = (work: (...args: unknown[]) => void, ...rest: unknown[]) => object;

/**
 * The clock, timers and random ids of the whole process, as long as a run holds them. Nothing passes but what {@link step}
 * lets pass; between two timers every promise that can settle has settled.
 */
export class Time {
  /** Everything that follows from the timer of this step is the work of one process; undefined where it is nobody's. */
  owner: Owner | undefined;
  private readonly clock: Clock;
  private readonly timers = new WeakMap<object, OwnTimer>();
  private readonly plainTimer: SetTimer;
  private readonly plain: Readonly<Record<string, unknown>>;

  constructor(random: Random) {
    this.clock = FakeTimers.install({
      now: BEGINNING,
      loopLimit: Number.MAX_SAFE_INTEGER,
      toFake: [
        'setTimeout',
        'clearTimeout',
        'setInterval',
        'clearInterval',
        'setImmediate',
        'clearImmediate',
        'Date',
        'performance',
      ],
    });
    this.plainTimer = this.clock.setTimeout.bind(this.clock) as unknown as SetTimer;
    this.plain = { ...this.clock };
    this.giveTimersOwners();
    crypto.randomUUID = () => random.uuid();
    Math.random = () => random.float();
    // Named imports of node:timers/promises and node:crypto see the change from here on.
    syncBuiltinESMExports();
  }

  /** Virtual ms since the beginning. */
  get now(): number {
    return Date.now() - BEGINNING;
  }

  /** Nobody's timer: what happens after `ms` happens to the world. */
  later(ms: number, work: () => void): void {
    this.plainTimer(work, ms);
  }

  /** A day passes in which nothing happens: wall clocks go on, nobody's timer is due any sooner. */
  skip(ms: number): void {
    this.clock.setSystemTime(Date.now() + ms);
  }

  /** Fires the next timer, and lets everything follow that follows from it. @returns false where there is none. */
  async step(): Promise<boolean> {
    if (this.clock.countTimers() === 0) return false;
    this.owner = undefined;
    this.clock.next();
    await this.settle();
    return true;
  }

  /** A turn of the real event loop: all promise reactions run before it. */
  settle(): Promise<void> {
    return new Promise((resolve) => realImmediate(resolve));
  }

  private giveTimersOwners(): void {
    const { clock, timers } = this;
    const methods = clock as unknown as Record<string, SetTimer | ((handle: object) => void)>;
    for (const kind of TIMERS) {
      const set = (methods[`set${kind}`] as SetTimer).bind(clock);
      const clear = (methods[`clear${kind}`] as (handle: object) => void).bind(clock);
      methods[`set${kind}`] = (work: (...args: unknown[]) => void, ...rest: unknown[]) => {
        const { owner } = this;
        if (owner === undefined) return set(work, ...rest);
        const timer: OwnTimer = { isCleared: false, isWaiting: false };
        const fire = (...args: unknown[]): void => {
          if (timer.isWaiting) return;
          timer.isWaiting = true;
          owner.run(() => {
            timer.isWaiting = false;
            if (!timer.isCleared) work(...args);
          }, true);
        };
        const handle = set(fire, ...rest);
        timers.set(handle, timer);
        return handle;
      };
      methods[`clear${kind}`] = (handle: object) => {
        const timer = typeof handle === 'object' ? timers.get(handle) : undefined;
        if (timer !== undefined) timer.isCleared = true;
        clear(handle);
      };
    }
  }

  /** Gives the process its clock back. Timers that are left are forgotten. */
  release(): void {
    // By its own methods the clock knows what to give back.
    for (const kind of TIMERS)
      Object.assign(this.clock, {
        [`set${kind}`]: this.plain[`set${kind}`],
        [`clear${kind}`]: this.plain[`clear${kind}`],
      });
    this.clock.uninstall();
    crypto.randomUUID = realUuid;
    Math.random = realRandom;
    syncBuiltinESMExports();
  }
}
