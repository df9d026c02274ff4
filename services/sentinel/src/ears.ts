import { randomUUID } from 'node:crypto';
import { subjects, type Bus } from '@reinvite/bus';
import type { Logger } from '@reinvite/runtime';
import { z } from 'zod';
import { canHear, hearEcho, startHearing } from './detector/hearing.js';
import { echo, noDoubt, patience, tick } from './detector/self-doubt.js';

/** `sentAt`: monotonic ms of the sentinel that sends it to itself. */
const echoMessage = z.object({ type: z.literal('Echo'), sentAt: z.number() });

export interface EarsOptions {
  readonly bus: Pick<Bus, 'publish' | 'subscribe'>;
  readonly log: Logger;
  readonly intervalMs: number;
  /** Without an echo for this long nothing is held against a node. */
  readonly limitMs: number;
  /** Monotonic ms. */
  readonly mono: () => number;
  /** At every interval, while the sentinel can hear; silences must be longer than usual by that factor. */
  readonly onTick: (patience: number) => void;
  /** The sentinel could not hear, and can again; silence counts from `graceMs` later on. */
  readonly onRestored: (graceMs: number) => void;
}

export interface Ears {
  /** Whether silence may be held against a node now. */
  readonly canHear: () => boolean;
  /** For how long, ms, silence has counted: 0 while it cannot hear, and until those cut off with it have had time to come back. */
  readonly hearsForMs: () => number;
  readonly stop: () => void;
}

/** The sentinel's clock, which stands still while the sentinel itself cannot hear, and goes slower while it is unwell. */
export function listen(options: EarsOptions): Ears {
  const { bus, log, mono, onTick, onRestored, intervalMs, limitMs } = options;
  const subject = subjects.sentinelEcho(randomUUID());
  let hearing = startHearing(limitMs);
  let doubt = noDoubt;
  let deaf = false;
  let countsFrom = Infinity;
  const unsubscribe = bus.subscribe(subject, echoMessage, ({ sentAt }) => {
    const now = mono();
    doubt = echo(doubt, now - sentAt, intervalMs);
    const { hearing: heard, restored, graceMs } = hearEcho(hearing, now);
    hearing = heard;
    if (!restored) return;
    if (deaf) log.warn({ graceMs: Math.round(graceMs) }, 'hearing again; silence counts from now');
    deaf = false;
    countsFrom = now + graceMs;
    onRestored(graceMs);
  });
  const timer = setInterval(() => {
    doubt = tick(doubt, mono(), intervalMs);
    if (canHear(hearing, mono())) onTick(patience(doubt));
    else if (!deaf && hearing.echoAt !== null) {
      deaf = true;
      log.warn({ limitMs }, 'no echo through NATS: suspecting nobody meanwhile');
    }
    bus.publish(subject, { type: 'Echo', sentAt: mono() });
  }, intervalMs);
  return {
    canHear: () => canHear(hearing, mono()),
    hearsForMs: () => (canHear(hearing, mono()) ? Math.max(0, mono() - countsFrom) : 0),
    stop: () => {
      clearInterval(timer);
      unsubscribe();
    },
  };
}
