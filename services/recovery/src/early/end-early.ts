import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bus } from '@reinvite/bus';
import { earlyStream, endEarlyDialogs, type EarlyDialogsEnded, type EndEarlyDialogs } from '@reinvite/domain';
import type { EventStore } from '@reinvite/event-store';
import { isCoded, type Logger } from '@reinvite/runtime';
import { endInvite, type PendingInvite } from './edge-rpc.js';

/** An edge that does not answer is asked again for so long: the timers of the transactions themselves run out after minutes. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 500;

type Result = EarlyDialogsEnded['dialogs'][number]['result'];

export interface EarlyOptions {
  readonly store: Pick<EventStore<EarlyDialogsEnded>, 'appendBatch'>;
  readonly rpcUrls: readonly string[];
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Ends what a dead node has left ringing at whichever edge has it, and records what became of it. Safe to repeat: a
 * transaction that has ended is not known any more, and the first record stands.
 * @throws CodedError retryable, where Postgres does not answer.
 */
export async function endEarly(command: EndEarlyDialogs, options: EarlyOptions): Promise<void> {
  const { log, store } = options;
  const { recoveryId, callId, nodeId, incarnation } = command;
  const dialogs = await Promise.all(
    command.dialogs.map(async ({ legId, sipCallId, inviteCseq }) => ({
      legId,
      sipCallId,
      result: await endOne({ sipCallId, inviteCseq }, command, options),
    })),
  );
  const at = Date.now();
  const event: EarlyDialogsEnded = {
    type: 'EarlyDialogsEnded',
    recoveryId,
    callId,
    nodeId,
    incarnation,
    at,
    dialogs,
  };
  const events: [{ id: string; event: EarlyDialogsEnded }] = [{ id: randomUUID(), event }];
  await store.appendBatch([{ streamId: earlyStream(recoveryId), expectedVersion: 0, events }]);
  const failed = dialogs.some(({ result }) => result === 'failed');
  log[failed ? 'warn' : 'info']({ nodeId, callId, recoveryId, dialogs }, 'early dialogs ended at the edge');
}

async function endOne(
  invite: PendingInvite,
  { recoveryId, at }: EndEarlyDialogs,
  options: EarlyOptions,
): Promise<Result> {
  const { rpcUrls, log, signal } = options;
  let left = rpcUrls;
  for (;;) {
    const answers = await Promise.all(left.map((rpcUrl) => askOnce(rpcUrl, invite, recoveryId, log)));
    if (answers.includes(true)) return 'ended';
    left = left.filter((_, index) => answers[index] === undefined);
    if (left.length === 0) return 'gone';
    if (Date.now() - at > PATIENCE_MS) return 'failed';
    await delay(RETRY_MS, undefined, { signal });
  }
}

/** @returns undefined where the edge could not be asked. */
async function askOnce(
  rpcUrl: string,
  invite: PendingInvite,
  tag: string,
  log: Logger,
): Promise<boolean | undefined> {
  try {
    return await endInvite(rpcUrl, invite, tag);
  } catch (err) {
    if (!isCoded(err, 'EDGE_FAILED')) throw err;
    log.warn({ err, sipCallId: invite.sipCallId }, 'an INVITE could not be ended at the edge');
    return undefined;
  }
}

const IN_FLIGHT = 64;
/** After a replica's death its messages go to another one. */
const ACK_WAIT_MS = 1_500;

/** Carries out what the plans want ended, until the signal aborts. Replicas share the work. */
export function consumeEarly(bus: Pick<Bus, 'consume'>, options: EarlyOptions): Promise<void> {
  return bus.consume<EndEarlyDialogs>({
    stream: 'earlyDialogs',
    durable: 'recovery',
    schema: endEarlyDialogs,
    maxInFlight: IN_FLIGHT,
    ackWaitMs: ACK_WAIT_MS,
    handler: (command) => endEarly(command, options),
  });
}
