import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '@reinvite/lab';
import type { Phones } from '@reinvite/test-phones';
import { callStoryOf } from '../check/call.js';
import type { Blindness, Injected } from '../check/evidence.js';
import { faultOf } from '../draw/catalogue.js';
import type { Injection, Step } from '../draw/fault.js';
import type { LifeBook } from './life-book.js';
import { mend } from './mend.js';

/** After a fault that ends no node: what it could lead to wrongly would begin by then. */
const QUIET_MS = 3_000;
/** How often is looked whether the calls are back. */
const LOOK_EVERY_MS = 250;
/** Longer than phones are patient: what is late is to be seen as late, and not be mixed up with the next fault. */
const LATE_MS = 12_000;
const LEDGER = 'dialog-ledger';
/** A ledger that serves again has its socket, and its first captures are folded. */
const SEEING_MS = 200;

export interface PerformerOptions {
  readonly lab: Lab;
  readonly phones: Phones;
  readonly lives: LifeBook;
  readonly nodes: readonly string[];
  /** How many times longer than a fault's own patience its calls may take to be back. */
  readonly patience: number;
  readonly signal: AbortSignal;
}

/** Carries the faults out, one after the other. */
export class Performer {
  readonly injected: Injected[] = [];
  readonly blind: Blindness[] = [];

  constructor(private readonly options: PerformerOptions) {}

  /** Resolves when the fault is over: its calls are back or given up, and everything runs again. */
  async perform(injection: Injection): Promise<void> {
    const { index, fault, dying } = injection;
    const patienceMs = faultOf(fault).patienceMs * this.options.patience;
    const at = Date.now();
    await this.play(injection);
    if (dying.length > 0) await this.untilBack(dying, patienceMs);
    else await delay(QUIET_MS, undefined, { signal: this.options.signal });
    await mend(this.options.lab, this.options.lives, this.options.nodes);
    this.injected.push({ index, fault, at, until: Date.now(), patienceMs });
  }

  /** Every target's steps in their order, the targets side by side. */
  private async play(injection: Injection): Promise<void> {
    const begin = performance.now();
    const targets = new Set(injection.steps.map(({ target }) => target));
    const tracks = [...targets].map(async (target) => {
      for (const step of injection.steps.filter((one) => one.target === target)) {
        const wait = begin + step.atMs - performance.now();
        await delay(Math.max(0, wait), undefined, { signal: this.options.signal });
        await this.take(step, injection);
      }
    });
    await Promise.all(tracks);
  }

  private async take({ operation, target, from }: Step, { index, dying }: Injection): Promise<void> {
    if (dying.includes(target)) await this.options.lives.look();
    const { at } =
      operation === 'cut'
        ? await this.options.lab.cut(target, from)
        : await this.options.lab[operation](target);
    if (dying.includes(target)) this.options.lives.fallsSilent(target, at, index, operation === 'kill');
    if (target === LEDGER && operation === 'kill') this.blind.push({ from: at, to: Infinity });
    const last = this.blind.at(-1);
    if (target === LEDGER && operation === 'start' && last !== undefined)
      this.blind[this.blind.length - 1] = { ...last, to: Date.now() + SEEING_MS };
  }

  /** Until the dying are gone and every call of theirs is back or over, or nobody waits any more. */
  private async untilBack(dying: readonly string[], patienceMs: number): Promise<void> {
    const deadline = performance.now() + patienceMs + LATE_MS;
    const frame = {
      lives: this.options.lives.lives,
      blind: this.blind,
      patienceOf: () => patienceMs + LATE_MS,
      patience: this.options.patience,
    };
    while (performance.now() < deadline) {
      await delay(LOOK_EVERY_MS, undefined, { signal: this.options.signal });
      await this.options.lives.look();
      if (!dying.every((node) => this.options.lives.isOver(node))) continue;
      const chains = (await this.options.phones.look()).flatMap((call) => callStoryOf(call, frame).chains);
      if (chains.every(({ outcome, cameBack }) => cameBack || outcome !== 'lost')) return;
    }
  }
}
