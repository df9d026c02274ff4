import { cp } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startLab, type Lab } from '@reinvite/lab';
import { byeOf, establishedAt, Phones, phonesOf, startDemoApp, type PhoneCall } from '@reinvite/test-phones';
import type { Channel, Evidence } from '../check/evidence.js';
import { NATS_SERVERS, REPLICAS } from '../draw/catalogue.js';
import type { Injection } from '../draw/fault.js';
import { ariList } from './ari.js';
import { readAudit } from './audit.js';
import { Feeder, LONGEST_CALL_MS } from './feeder.js';
import { LifeBook } from './life-book.js';
import { Performer } from './performer.js';

/** After the last phone has hung up: time for the answers. */
const END_TIMEOUT_MS = 15_000;

/** A BYE that has no answer by then gets none: its node had died. */
const ANSWER_MS = 5_000;

/** Says how far a step is. */
export type Progress = (line: string) => void;

export interface StageOptions {
  /** Calls in progress at a time. */
  readonly calls: number;
  readonly nodes: readonly string[];
  /** See `ChaosOptions`. */
  readonly patience: number;
  /** What the calls are drawn from. */
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** A lab with replicas of everything that can have them, live calls, and the faults of a schedule. */
export class Stage {
  private lab: Lab | undefined;
  /** What SIPp had to say. */
  complaints = '';

  constructor(private readonly options: StageOptions) {}

  /** @returns all that was seen, once the last call has ended. */
  async play(schedule: readonly Injection[], forMs: number): Promise<Evidence> {
    const { nodes, signal, progress, seed, calls } = this.options;
    const lab = await startLab({
      nodes: nodes.length,
      services: REPLICAS,
      nats: NATS_SERVERS,
      onProgress: progress,
      signal,
    });
    this.lab = lab;
    await startDemoApp(lab);
    const phones = await Phones.start(lab);
    const lives = new LifeBook(lab, nodes);
    const feeder = new Feeder(phones, seed, calls);
    const performer = new Performer({ lab, phones, lives, nodes, patience: this.options.patience, signal });
    const unfed = new Promise<never>((_, reject) => feeder.start(reject));
    const faults = this.performAll(performer, schedule, forMs);
    // Whichever fails first is told; the other may fail later, when the lab is taken down.
    faults.catch(() => undefined);
    await Promise.race([faults, unfed]);
    await feeder.stop();
    progress('the last calls end');
    await this.untilEnded(phones);
    await lives.look();
    const audit = await readAudit(lab.info.postgres);
    const channels = await this.channels(lab);
    const { calls: observed, doubts, complaints } = await phones.stop();
    this.complaints = complaints;
    const { injected, blind } = performer;
    const { patience } = this.options;
    return { calls: observed, lives: lives.lives, injected, patience, blind, ...audit, channels, doubts };
  }

  private async performAll(
    performer: Performer,
    schedule: readonly Injection[],
    forMs: number,
  ): Promise<void> {
    const { progress, signal } = this.options;
    const begin = performance.now();
    const until = (atMs: number): Promise<void> =>
      delay(Math.max(0, begin + atMs - performance.now()), undefined, { signal });
    for (const injection of schedule) {
      await until(injection.atMs);
      const late = Math.round(performance.now() - begin - injection.atMs);
      progress(`${injection.fault}${late > 1_000 ? ` (${late} ms late)` : ''}`);
      await performer.perform(injection);
    }
    await until(forMs);
  }

  private async channels(lab: Lab): Promise<Channel[]> {
    const lists = this.options.nodes.map(async (node) =>
      (await ariList(lab, node, 'channels', 'protocol_id')).map((sipCallId) => ({ node, sipCallId })),
    );
    return (await Promise.all(lists)).flat();
  }

  /** Until every phone that ever talked has ended its call, or should have long ago. */
  private async untilEnded(phones: Phones): Promise<void> {
    const deadline = performance.now() + LONGEST_CALL_MS + END_TIMEOUT_MS;
    await phones.until(
      'the phones to hang up',
      (calls) =>
        performance.now() > deadline || calls.every((call) => phonesOf(call).every((phone) => isOver(phone))),
      { timeoutMs: LONGEST_CALL_MS + 2 * END_TIMEOUT_MS, signal: this.options.signal },
    );
  }

  /** Ends the lab. @param keep directory for its logs and captures. */
  async strike(keep: string | undefined): Promise<void> {
    const { lab } = this;
    this.lab = undefined;
    if (lab !== undefined && keep !== undefined) {
      await cp(lab.info.logs, path.join(keep, 'log'), { recursive: true });
      await cp(lab.info.shared, path.join(keep, 'shared'), { recursive: true });
    }
    await lab?.down();
  }
}

/** The phone was never in a call, or has hung up or been hung up. */
function isOver(phone: PhoneCall): boolean {
  if (establishedAt(phone) === null) return true;
  const bye = byeOf(phone);
  return bye !== undefined && (bye.answer !== null || Date.now() - bye.at > ANSWER_MS);
}
