import type { Silences } from '@reinvite/domain';
import { setTimeout as delay } from 'node:timers/promises';
import { askControlSocket } from './control-socket.js';
import { AwakeClock } from './awake-clock.js';
import { SipOptions, type SipAddress } from './sip-options.js';
import { getsOn, readTasks, type TaskCount } from './tasks.js';
import { Witness } from './witness.js';

/** A question to ARI that is open this long is late: the other witnesses are asked from then on, and only then. */
const LATE_MS = 100;
/** How often the others are asked while they are. */
const ASK_EVERY_MS = 200;
/** An answer that comes after a hang would have been seen is a sign still. */
const PATIENCE_OF_HANGS = 2;
/** An agent that is kept from running for longer than this does not count that time as anybody's silence. */
const LONGEST_STEP_MS = 100;

export interface WitnessesOptions {
  readonly sipAddress: SipAddress;
  /** Asterisk's control socket; without one the taskprocessors are not asked. */
  readonly controlSocket: string | undefined;
  /** After so long without a sign of life Asterisk counts as hung, ms. */
  readonly hangAfterMs: number;
  readonly mono: () => number;
}

/**
 * The three witnesses beside one Asterisk: ARI, SIP and the taskprocessors. ARI is asked all the time, by its owner; the others
 * only while ARI owes an answer, so that a healthy Asterisk has no work with them.
 */
export class Witnesses {
  readonly ari = new Witness();
  private readonly sip = new Witness();
  private readonly tasks = new Witness();
  private readonly clock: AwakeClock;
  private readonly options: SipOptions;
  private readonly onSign = new Set<() => void>();
  private lastTasks: ReadonlyMap<string, TaskCount> | undefined;
  private lookingAtTasks = false;
  private askedAt = -Infinity;

  constructor(private readonly settings: WitnessesOptions) {
    this.clock = new AwakeClock(settings.mono, LONGEST_STEP_MS);
    this.options = new SipOptions(settings.sipAddress, {
      onAnswer: () => this.sign(this.sip),
      onAbsent: () => this.sip.mute(),
    });
  }

  /** A question to ARI goes out. */
  askAri(): void {
    this.ari.ask(this.clock.look());
  }

  /** ARI has answered. */
  ariAnswered(): void {
    this.sign(this.ari);
  }

  /** To be called every few ms: keeps the clock, and asks the others where ARI is late. */
  look(): void {
    const awake = this.clock.look();
    if ((this.ari.silentMs(awake) ?? 0) < LATE_MS) {
      if (this.askedAt !== -Infinity) this.dismiss();
      return;
    }
    if (awake - this.askedAt < ASK_EVERY_MS) return;
    this.askedAt = awake;
    this.askOthers();
  }

  silences(): Silences {
    const awake = this.clock.look();
    return {
      ariMs: this.ari.silentMs(awake) ?? 0,
      sipMs: this.sip.silentMs(awake),
      tasksMs: this.tasks.silentMs(awake),
    };
  }

  /** Whether any witness gets a sign of life within the time. The caller asks ARI beside it. */
  async anySign(withinMs: number): Promise<boolean> {
    let seen = false;
    const stop = new AbortController();
    const notice = (): void => {
      seen = true;
      stop.abort();
    };
    this.onSign.add(notice);
    try {
      for (let waited = 0; waited < withinMs && !seen; waited += ASK_EVERY_MS) {
        this.askOthers();
        const wait = Math.min(ASK_EVERY_MS, withinMs - waited);
        await delay(wait, undefined, { signal: stop.signal }).catch(() => undefined);
      }
      return seen;
    } finally {
      this.onSign.delete(notice);
    }
  }

  close(): void {
    this.options.close();
  }

  private askOthers(): void {
    this.sip.ask(this.clock.look());
    this.options.ask();
    void this.askTasks();
  }

  private async askTasks(): Promise<void> {
    const { controlSocket, hangAfterMs } = this.settings;
    if (controlSocket === undefined || this.lookingAtTasks) return;
    this.lookingAtTasks = true;
    this.tasks.ask(this.clock.look());
    try {
      const withinMs = PATIENCE_OF_HANGS * hangAfterMs;
      const answer = await askControlSocket(controlSocket, 'core show taskprocessors', withinMs);
      if (answer === 'cannot-ask') this.tasks.mute();
      if (typeof answer === 'string') return;
      const now = readTasks(answer.text);
      if (now === undefined) return;
      if (getsOn(this.lastTasks, now)) this.sign(this.tasks);
      this.lastTasks = now;
    } finally {
      this.lookingAtTasks = false;
    }
  }

  private dismiss(): void {
    this.askedAt = -Infinity;
    this.sip.dismiss();
    this.tasks.dismiss();
    this.lastTasks = undefined;
  }

  private sign(witness: Witness): void {
    witness.answer();
    this.onSign.forEach((notice) => notice());
  }
}
