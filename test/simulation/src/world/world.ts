import type { Logger } from '@reinvite/runtime';
import { Network } from './network.js';
import { Random } from './random.js';
import { Time } from './time.js';
import { Trace } from './trace.js';

const CLOCK_DRIFT = 0.001;

/** What every part of a run shares. */
export class World {
  readonly random: Random;
  readonly time: Time;
  readonly trace: Trace;
  readonly network: Network;
  private readonly clockRates = new Map<string, number>();

  constructor(seed: number, keepTrace: boolean) {
    this.random = new Random(seed);
    this.time = new Time(this.random);
    this.trace = new Trace(() => this.time.now, keepTrace);
    this.network = new Network(this.random, this.trace, this.time);
  }

  /** How fast a host's clock goes. docs/detection.md assumes that none gains or loses more than one part in a thousand. */
  clockRateOf(host: string): number {
    let rate = this.clockRates.get(host);
    if (rate === undefined) {
      const { random } = this;
      rate = 1 + random.pick([-CLOCK_DRIFT, CLOCK_DRIFT, (random.float() * 2 - 1) * CLOCK_DRIFT]);
      this.clockRates.set(host, rate);
    }
    return rate;
  }

  /** A logger whose warnings and errors become part of the trace. */
  logger(who: string): Logger {
    const say =
      (level: string) =>
      (first: unknown, second?: unknown): void => {
        const message = typeof first === 'string' ? first : second;
        this.trace.note(who, `log ${level}: ${String(message)}${detailOf(first)}`);
      };
    const quiet = (): void => undefined;
    const log = {
      level: 'warn',
      trace: quiet,
      debug: quiet,
      info: quiet,
      warn: say('warn'),
      error: say('error'),
      fatal: say('fatal'),
      child: () => log,
    };
    return log as unknown as Logger;
  }
}

/** The fields that say why; ids of a run are the same in every run of its seed. */
const TOLD = ['nodeId', 'incarnation', 'recoveryId', 'reason', 'outcome'] as const;

function detailOf(fields: unknown): string {
  if (typeof fields !== 'object' || fields === null) return '';
  const said = fields as Readonly<Record<string, unknown>>;
  const told = TOLD.flatMap((name) => (typeof said[name] === 'string' ? [said[name]] : []));
  if (said['err'] instanceof Error) told.push(said['err'].message);
  return told.length === 0 ? '' : ` (${told.join(', ')})`;
}
