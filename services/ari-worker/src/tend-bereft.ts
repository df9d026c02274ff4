import { subjects, type Bus } from '@reinvite/bus';
import { RECOVERED_CONTEXT, type BereftResult, type RestoreFact, type TendBereft } from '@reinvite/domain';
import { codedError, isCoded, retryForever, type Logger } from '@reinvite/runtime';
import { membersOf } from './bridge-members.js';
import type { Target } from './target.js';

/** A connection that is just being made again is waited for so long. */
const RECONNECT_WAIT_MS = 2_000;

export interface BereftContext {
  readonly command: TendBereft;
  readonly target: Target;
  readonly bus: Pick<Bus, 'publishDurable'>;
  readonly log: Logger;
  /** Epoch ms. */
  readonly now: () => number;
  /** Aborts when the process cannot wait any longer. */
  readonly closing: AbortSignal;
}

/**
 * Sees to a leg whose peers cannot return, and tells what came of it. Who is not alone any more is left alone: somebody has come,
 * or its application has found somebody else.
 * @throws CodedError `ARI_UNREACHABLE`: to be carried out again, by whoever reaches the node.
 */
export async function tendToBereft(context: BereftContext): Promise<void> {
  const { command, target, bus, log, now, closing } = context;
  const { commandId, recoveryId, callId, attempt, channelId, treatment, targetIncarnation } = command;
  if (!(await target.hasLife(targetIncarnation, RECONNECT_WAIT_MS))) {
    // Of another life nothing is there; and nobody waits for ever.
    const isWorthIt = target.incarnation === undefined && now() <= command.notAfter;
    if (isWorthIt) throw codedError('ARI_UNREACHABLE', 'the node is not connected', { maybeSent: false });
    return;
  }
  const result = await outcomeOf(context);
  log.info({ channelId, treatment: treatment.do, result }, 'a leg whose peers cannot return was seen to');
  const fact: RestoreFact = {
    type: 'BereftTended',
    commandId,
    recoveryId,
    callId,
    attempt,
    target: command.target,
    at: now(),
    channelId,
    treatment: treatment.do,
    result,
  };
  const publish = (): Promise<unknown> =>
    bus.publishDurable(subjects.restoreFact(command.target), fact, `${commandId}:BereftTended`);
  await retryForever(publish, { what: 'publishing BereftTended', log, signal: closing });
}

async function outcomeOf({ command, target, log, now }: BereftContext): Promise<BereftResult> {
  const { channelId, bridgeId } = command;
  try {
    const channel = await target.request((ari) => ari.channels.find(channelId));
    if (channel === undefined) return 'gone';
    // In the dialplan who has gone on from where he waited is not ours to judge.
    if (bridgeId === null && channel.dialplan.context !== RECOVERED_CONTEXT) return 'not-alone';
    if (bridgeId !== null && (await membersOf(target, bridgeId)).some((id) => id !== channelId))
      return 'not-alone';
    await treat(command, target);
    return 'done';
  } catch (err) {
    if (isCoded(err, 'ARI_UNREACHABLE') && now() <= command.notAfter) throw err;
    if (isCoded(err, 'ARI_NOT_FOUND')) return 'gone';
    log.warn({ err, channelId }, 'cannot see to a leg whose peers cannot return');
    return 'refused';
  }
}

async function treat({ channelId, bridgeId, treatment }: TendBereft, target: Target): Promise<void> {
  switch (treatment.do) {
    case 'end':
      return target.hangup(channelId, treatment.cause);
    case 'hold':
      if (bridgeId === null) return;
      return target.request((ari) => ari.bridges.startMusicOnHold(bridgeId, treatment.musicOnHold));
    case 'application':
      if (bridgeId !== null) await leave(target, bridgeId, channelId);
      return target.request((ari) => ari.channels.move(channelId, treatment.app, treatment.args));
    case 'dialplan': {
      if (bridgeId !== null) await leave(target, bridgeId, channelId);
      const { context, extension, priority } = treatment;
      return target.request((ari) =>
        ari.channels.continueInDialplan(channelId, { context, extension, priority }),
      );
    }
  }
}

/** One who was taken out before is out. */
async function leave(target: Target, bridgeId: string, channelId: string): Promise<void> {
  if ((await membersOf(target, bridgeId)).includes(channelId))
    await target.request((ari) => ari.bridges.removeChannel(bridgeId, channelId));
}
