import { randomUUID } from 'node:crypto';
import { subjects, type Bus } from '@reinvite/bus';
import type { Logger } from '@reinvite/runtime';
import { z } from 'zod';
import { canHear, hearEcho, startHearing } from './detector/hearing.js';

const echo = z.object({ type: z.literal('Echo') });

export interface EarsOptions {
  readonly bus: Pick<Bus, 'publish' | 'subscribe'>;
  readonly log: Logger;
  readonly intervalMs: number;
  /** Without an echo for this long nothing is held against a node. */
  readonly limitMs: number;
  /** Monotonic ms. */
  readonly mono: () => number;
  /** At every interval, while the sentinel can hear. */
  readonly onTick: () => void;
  /** The sentinel could not hear, and can again. */
  readonly onRestored: () => void;
}

/** The sentinel's clock, which stands still while the sentinel itself cannot hear. @returns how to stop it. */
export function listen(options: EarsOptions): () => void {
  const { bus, log, mono, onTick, onRestored, intervalMs, limitMs } = options;
  const subject = subjects.sentinelEcho(randomUUID());
  let hearing = startHearing(limitMs);
  let deaf = false;
  const unsubscribe = bus.subscribe(subject, echo, () => {
    const heard = hearEcho(hearing, mono());
    hearing = heard.hearing;
    if (!heard.restored) return;
    if (deaf) log.warn('hearing again; silence counts from now');
    deaf = false;
    onRestored();
  });
  const timer = setInterval(() => {
    if (canHear(hearing, mono())) onTick();
    else if (!deaf && hearing.echoAt !== null) {
      deaf = true;
      log.warn({ limitMs }, 'no echo through NATS: suspecting nobody meanwhile');
    }
    bus.publish(subject, { type: 'Echo' });
  }, intervalMs);
  return () => {
    clearInterval(timer);
    unsubscribe();
  };
}
