import { isCoded, type Logger } from '@reinvite/runtime';

/** Hostile traffic shall not fill the log. */
const LOG_EVERY_MS = 10_000;

export interface Counts {
  readonly packets: Readonly<Record<'udp' | 'tcp', number>>;
  readonly messages: number;
  readonly other: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly refused: number;
}

/** Counts what came in, and logs what was dropped, with one example, every ten seconds at most. */
export class Counters {
  private readonly packets = { udp: 0, tcp: 0 };
  private messages = 0;
  private other = 0;
  private refused = 0;
  private readonly dropped = new Map<string, number>();
  private unlogged = new Map<string, number>();
  private example: unknown;
  private loggedAt = -Infinity;

  constructor(private readonly log: Logger) {}

  packet(transport: 'udp' | 'tcp'): void {
    this.packets[transport] += 1;
  }

  /** A packet that could be read. */
  read(kind: 'message' | 'other'): void {
    if (kind === 'message') this.messages += 1;
    else this.other += 1;
  }

  /** Dialogs that could not be written as they are. */
  refuse(dialogs: number): void {
    this.refused += dialogs;
  }

  /** @param error coded, where it is the packet's fault. @param now epoch ms. */
  drop(error: unknown, now: number): void {
    const code = isCoded(error) ? error.code : 'unexpected';
    if (this.unlogged.size === 0) this.example = error;
    for (const counts of [this.dropped, this.unlogged]) counts.set(code, (counts.get(code) ?? 0) + 1);
    this.report(now);
  }

  /** Logs what has not been logged yet, if the time has come. */
  report(now: number): void {
    if (this.unlogged.size === 0 || now - this.loggedAt < LOG_EVERY_MS) return;
    this.log.warn(
      { dropped: Object.fromEntries(this.unlogged), err: this.example },
      'captured packets were dropped; one of them as an example',
    );
    this.unlogged = new Map();
    this.loggedAt = now;
  }

  /** Since the beginning. */
  get counts(): Counts {
    const { packets, messages, other, dropped, refused } = this;
    return { packets: { ...packets }, messages, other, dropped: Object.fromEntries(dropped), refused };
  }
}
