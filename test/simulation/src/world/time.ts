import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import type { Random } from './random.js';

const realImmediate = setImmediate;
const realRandom = Math.random;
const realUuid = crypto.randomUUID;

/** When every run begins, epoch ms. */
export const BEGINNING = 1_700_000_000_000;

/**
 * The clock, timers and random ids of the whole process, as long as a run holds them. Nothing passes but what {@link step}
 * lets pass; between two timers every promise that can settle has settled.
 */
export class Time {
  private readonly clock: Clock;

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
    crypto.randomUUID = () => random.uuid();
    Math.random = () => random.float();
    // Named imports of node:timers/promises and node:crypto see the change from here on.
    syncBuiltinESMExports();
  }

  /** Virtual ms since the beginning. */
  get now(): number {
    return Date.now() - BEGINNING;
  }

  /** Fires the next timer, and lets everything follow that follows from it. @returns false where there is none. */
  async step(): Promise<boolean> {
    if (this.clock.countTimers() === 0) return false;
    this.clock.next();
    await this.settle();
    return true;
  }

  /** A turn of the real event loop: all promise reactions run before it. */
  settle(): Promise<void> {
    return new Promise((resolve) => realImmediate(resolve));
  }

  /** Gives the process its clock back. Timers that are left are forgotten. */
  release(): void {
    this.clock.uninstall();
    crypto.randomUUID = realUuid;
    Math.random = realRandom;
    syncBuiltinESMExports();
  }
}
