import type { AriChannel, AriEvent } from '@reinvite/ari';
import { readReport, type RecoveryReport } from './recovery-report.js';

/** How a channel's attempt to be answered ended. */
export type AnswerOutcome =
  | { readonly kind: 'answered' }
  /** `sipStatus` null where Asterisk does not tell it, or there was no final response. */
  | {
      readonly kind: 'ended';
      readonly cause: number;
      readonly sipStatus: number | null;
      /** What the module said of it before; null where it said nothing. */
      readonly report: RecoveryReport | null;
    }
  /** It is certain that no originate reached Asterisk. */
  | {
      readonly kind: 'not-sent';
      readonly why: 'TARGET_UNREACHABLE' | 'DEADLINE_PASSED' | 'ORIGINATE_REFUSED';
    }
  /** It is not there any more, or cannot be asked; how it ended is not known. */
  | { readonly kind: 'lost'; readonly why: 'TARGET_LOST' | 'CONNECTION_LOST' | 'OUTCOME_UNKNOWN' };

/**
 * One channel of ours, followed from before its originate to its end.
 *
 * 1. `outcome` resolves once, with the first of answered, ended, not sent and lost.
 * 2. What is seen twice (an event, then a look at the channel) changes nothing.
 */
export class ChannelLife {
  readonly outcome: Promise<AnswerOutcome>;
  private settle!: (outcome: AnswerOutcome) => void;
  private settled = false;
  private over = false;
  private outOfReach = false;
  private waiting: (() => void)[] = [];
  private report: RecoveryReport | null = null;

  constructor(readonly channelId: string) {
    this.outcome = new Promise((resolve) => (this.settle = resolve));
  }

  get isSettled(): boolean {
    return this.settled;
  }

  /** True once the channel is known to be gone. */
  get isOver(): boolean {
    return this.over;
  }

  /** True once this process has lost the node: the channel may be well. */
  get isOutOfReach(): boolean {
    return this.outOfReach;
  }

  /** Takes an event of this channel. */
  onEvent(event: AriEvent): void {
    switch (event.type) {
      case 'ChannelStateChange':
      case 'ChannelDialplan':
      case 'StasisStart':
        this.onSeen(event.channel);
        return;
      case 'ChannelUserevent':
        this.report = readReport(event) ?? this.report;
        return;
      case 'ChannelDestroyed':
        this.end({
          kind: 'ended',
          cause: event.cause,
          sipStatus: event.tech_cause ?? null,
          report: this.report,
        });
        return;
      default:
    }
  }

  /** Takes the channel as ARI shows it. */
  onSeen(channel: AriChannel): void {
    if (channel.state === 'Up') this.decide({ kind: 'answered' });
    this.wake();
  }

  notSent(why: Extract<AnswerOutcome, { kind: 'not-sent' }>['why']): void {
    this.end({ kind: 'not-sent', why });
  }

  /** It is gone, and its end was not seen. */
  lose(why: Extract<AnswerOutcome, { kind: 'lost' }>['why']): void {
    this.outOfReach ||= why === 'CONNECTION_LOST';
    this.end({ kind: 'lost', why });
  }

  /** Resolves at the next news of the channel, or after `ms`. */
  news(ms: number): Promise<void> {
    if (this.over) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private end(outcome: AnswerOutcome): void {
    this.over = true;
    this.decide(outcome);
    this.wake();
  }

  private decide(outcome: AnswerOutcome): void {
    if (this.settled) return;
    this.settled = true;
    this.settle(outcome);
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    waiting.forEach((resume) => resume());
  }
}
