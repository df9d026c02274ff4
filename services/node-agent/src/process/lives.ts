import type { AsteriskInfo } from '@reinvite/ari';
import type { Logger } from '@reinvite/runtime';
import type { AsteriskProcess } from './asterisk-process.js';
import { isOver, type Life } from './life.js';
import type { Processes } from './processes.js';

/** A fence may be asked for a life that ended some lives ago. */
const REMEMBERED = 32;

export interface LivesOptions {
  readonly process: Pick<AsteriskProcess, 'ofIncarnation'>;
  /** Default: those of this machine. */
  readonly processes?: Pick<Processes, 'stateOf'>;
  readonly newLife: (info: AsteriskInfo, process: Life['process']) => Life;
  /** Called once for each life, in the turn in which its end is seen. */
  readonly onOver: (life: Life) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * The lives of the local Asterisk. A life is over when its process is, never because its connection is; one whose process is
 * not known is never said to be over.
 */
export class Lives {
  /** The latest life, also after its end. */
  private latest: Life | undefined;
  private readonly over = new Map<string, { readonly life: Life; readonly mono: number }>();

  constructor(private readonly options: LivesOptions) {}

  get current(): Life | undefined {
    return this.latest;
  }

  get isCurrentOver(): boolean {
    return this.latest !== undefined && this.over.has(this.latest.info.incarnation);
  }

  /** A life that this agent saw end. */
  ended(incarnation: string): Life | undefined {
    return this.over.get(incarnation)?.life;
  }

  /** How long ago, ms, this agent saw a life end; undefined where it did not. */
  endedAgoMs(incarnation: string): number | undefined {
    const ended = this.over.get(incarnation);
    return ended === undefined ? undefined : Math.round(performance.now() - ended.mono);
  }

  /** The life that Asterisk says it is in. */
  meet(info: AsteriskInfo): Life {
    this.look();
    if (this.latest?.info.incarnation === info.incarnation) return this.latest;
    const life = this.options.newLife(info, this.options.process.ofIncarnation(info.incarnation));
    this.latest = life;
    return life;
  }

  /** Looks whether the latest life still lives. */
  look(): void {
    const life = this.latest;
    if (life === undefined || this.over.has(life.info.incarnation) || !isOver(life, this.options.processes))
      return;
    this.over.set(life.info.incarnation, { life, mono: performance.now() });
    for (const oldest of this.over.keys()) if (this.over.size > REMEMBERED) this.over.delete(oldest);
    this.options.log.warn(
      { incarnation: life.info.incarnation, pid: life.process?.pid, legs: life.picture.liveLegs },
      'Asterisk is dead',
    );
    this.options.onOver(life);
  }
}
