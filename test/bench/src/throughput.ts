import { setTimeout as delay } from 'node:timers/promises';
import type { Receiver } from './receiver.js';
import { sendEvenly } from './sender.js';
import { callMessages } from './traffic.js';

/** What one receiver did with messages at one rate. */
export interface Throughput {
  /** Asked for, and what came of it where the sender could not do more. */
  readonly wantedPerSecond: number;
  readonly sentPerSecond: number;
  readonly sent: number;
  readonly lost: number;
  /** Of them those that the kernel dropped because the buffer was full. */
  readonly kernelDrops: number | null;
  /** Processor time for one message, in µs. */
  readonly cpuUs: number;
}

const CALL_SECONDS = 2;

/** Whole calls, each some seconds long, so that what is set up and what is hung up come mixed. */
export function* callTraffic(messages: number, perSecond: number, first: number): Generator<Buffer> {
  const calls = Math.floor(messages / 7);
  const apart = Math.ceil((perSecond * CALL_SECONDS) / 7);
  for (let index = 0; index < calls + apart; index += 1) {
    if (index < calls) yield* callMessages(first + index).setUp;
    if (index >= apart) yield* callMessages(first + index - apart).hangUp;
  }
}

export async function measureThroughput(
  receiver: Receiver,
  perSecond: number,
  seconds: number,
  first: number,
  signal: AbortSignal,
): Promise<Throughput> {
  const before = await receiver.report();
  const traffic = callTraffic(perSecond * seconds, perSecond, first);
  const { sent, seconds: took } = await sendEvenly(traffic, perSecond, before.port, signal);
  const after = await settled(receiver, before.packets + sent, signal);
  return {
    wantedPerSecond: perSecond,
    sentPerSecond: sent / took,
    sent,
    lost: before.packets + sent - after.packets,
    kernelDrops: after.kernelDrops === null ? null : after.kernelDrops - (before.kernelDrops ?? 0),
    cpuUs: (after.cpuUs - before.cpuUs) / sent,
  };
}

/** Until all has come, or nothing more comes. */
async function settled(receiver: Receiver, wanted: number, signal: AbortSignal) {
  for (let last = await receiver.report(); ;) {
    await delay(500, undefined, { signal });
    const now = await receiver.report();
    if (now.packets >= wanted || now.packets === last.packets) return now;
    last = now;
  }
}
