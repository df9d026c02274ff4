import { setTimeout as delay } from 'node:timers/promises';
import { CALL_KINDS, type CallPlan, type Phones } from '@reinvite/test-phones';
import { Dice } from '../draw/dice.js';

/** Between two waves of calls. */
const WAVE_MS = 5_000;
const HOLD_MS = { least: 14_000, most: 24_000 } as const;
const MEAN_HOLD_MS = (HOLD_MS.least + HOLD_MS.most) / 2;
const PER_SECOND = 5;

/** No call is talked in longer than that. */
export const LONGEST_CALL_MS = HOLD_MS.most;

/** Calls of every kind keep coming, and hang up by themselves. */
export class Feeder {
  private readonly dice: Dice;
  private readonly over = new AbortController();
  private made = 0;
  private running: Promise<void> = Promise.resolve();

  /** @param calls how many are to be in progress at a time. */
  constructor(
    private readonly phones: Phones,
    seed: number,
    private readonly calls: number,
  ) {
    this.dice = new Dice(seed);
  }

  /** @param failed is told when no further calls can be made. */
  start(failed: (error: unknown) => void): void {
    this.running = this.feed().catch((error: unknown) => {
      if (!this.over.signal.aborted) failed(error);
    });
  }

  /** Resolves when the last call has been begun. */
  async stop(): Promise<void> {
    this.over.abort();
    await this.running;
  }

  private async feed(): Promise<void> {
    while (!this.over.signal.aborted) {
      const next = performance.now() + WAVE_MS;
      await this.phones.call(this.wave(), { perSecond: PER_SECOND });
      await delay(Math.max(0, next - performance.now()), undefined, { signal: this.over.signal });
    }
  }

  private wave(): CallPlan[] {
    const size = Math.max(CALL_KINDS.length, Math.round((this.calls * WAVE_MS) / MEAN_HOLD_MS));
    return Array.from({ length: size }, (): CallPlan => {
      const kind = CALL_KINDS[this.made % CALL_KINDS.length] ?? 'app';
      this.made += 1;
      return {
        kind,
        hangsUp: this.dice.oneOf(['caller', 'callee']),
        holdMs: this.dice.between(HOLD_MS.least, HOLD_MS.most),
      };
    });
  }
}
