import { setTimeout as delay } from 'node:timers/promises';
import type { ReceiverReport } from './receiver-protocol.js';
import type { Receiver } from './receiver.js';
import { sendEvenly } from './sender.js';
import { callMessages } from './traffic.js';

export interface Memory {
  /** Those that the ledger holds in the end. */
  readonly liveCalls: number;
  /** Bytes more in use than before, for each live dialog: right after the last message, and when all is calm. */
  readonly bytesHot: number;
  readonly bytesCalm: number;
}

/** Well below what a ledger bears: here nothing may be lost. */
const PER_SECOND = 4_000;
/** A call of which nothing came for five seconds is calm. */
const CALM_MS = 6_000;

/** Sets up that many calls more, one dialog each, and ends none. */
export async function measureMemory(
  receiver: Receiver,
  liveCalls: number,
  first: number,
  signal: AbortSignal,
): Promise<Memory> {
  // A process that has just begun grows by what has nothing to do with calls.
  await sendEvenly(setUps(500, first), PER_SECOND, (await receiver.report()).port, signal);
  const before = await calm(receiver, signal);
  await sendEvenly(setUps(liveCalls, first + 500), PER_SECOND, before.port, signal);
  const hot = await receiver.report();
  const cold = await calm(receiver, signal);
  const perDialog = (now: ReceiverReport): number =>
    (now.bytes - before.bytes) / (now.callIds - before.callIds);
  return { liveCalls: cold.callIds, bytesHot: perDialog(hot), bytesCalm: perDialog(cold) };
}

/** Until what a ledger does with calls that have become calm takes no more memory away. */
async function calm(receiver: Receiver, signal: AbortSignal): Promise<ReceiverReport> {
  await delay(CALM_MS, undefined, { signal });
  for (let last = await receiver.report(); ;) {
    await delay(1_000, undefined, { signal });
    const now = await receiver.report();
    if (now.bytes > last.bytes * 0.99) return now;
    last = now;
  }
}

function* setUps(calls: number, first: number): Generator<Buffer> {
  for (let index = 0; index < calls; index += 1) yield* callMessages(first + index).setUp;
}
