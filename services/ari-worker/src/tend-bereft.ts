import { subjects, type Bus } from '@reinvite/bus';
import { RECOVERED_CONTEXT, type BereftResult, type RestoreFact, type TendBereft } from '@reinvite/domain';
import { codedError, isCoded, retryForever, type Logger } from '@reinvite/runtime';
import { BereftHold, stopMusic } from './bereft-hold.js';
import { membersOf } from './bridge-members.js';
import type { Target } from './target.js';

/** A connection that is just being made again is waited for so long. */
const RECONNECT_WAIT_MS = 2_000;
/** Channel variable of one who was handed to an application: the command that did it. */
const HANDED_ON = 'REINVITE_BEREFT';

export interface BereftContext {
  readonly command: TendBereft;
  readonly target: Target;
  readonly bus: Pick<Bus, 'publishDurable'>;
  readonly log: Logger;
  /** Somebody else, or an earlier life of this process, may have begun: look first. */
  readonly mayHaveBegun: boolean;
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
  const { command, target, log, now } = context;
  const { channelId, bridgeId, treatment, targetIncarnation } = command;
  if (!(await target.hasLife(targetIncarnation, RECONNECT_WAIT_MS))) {
    // Of another life nothing is there; and nobody waits for ever.
    const isWorthIt = target.incarnation === undefined && now() <= command.notAfter;
    if (isWorthIt) throw codedError('ARI_UNREACHABLE', 'the node is not connected', { maybeSent: false });
    return;
  }
  const result = await outcomeOf(context);
  log.info({ channelId, treatment: treatment.do, result }, 'a leg whose peers cannot return was seen to');
  const isHeld = result === 'done' && treatment.do === 'hold' && bridgeId !== null;
  const hold = isHeld ? new BereftHold(command, bridgeId, target, log) : undefined;
  await tell(context, result, 'BereftTended');
  // Not waited for: a hold is longer than a command may take.
  void hold?.over.then((over) => tell(context, over, 'BereftHoldEnded')).catch(() => undefined);
}

/** @throws the signal's reason where that aborts before it is stored. */
async function tell(
  { command, bus, log, now, closing }: BereftContext,
  result: BereftResult,
  about: string,
): Promise<void> {
  const { commandId, recoveryId, callId, attempt, channelId, treatment } = command;
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
    bus.publishDurable(subjects.restoreFact(command.target), fact, `${commandId}:${about}`);
  await retryForever(publish, { what: 'publishing BereftTended', log, signal: closing });
}

async function outcomeOf(context: BereftContext): Promise<BereftResult> {
  const { command, target, log, mayHaveBegun, now } = context;
  const { channelId, bridgeId, treatment, endsHold } = command;
  try {
    const mayHearMusic = endsHold === true || (mayHaveBegun && treatment.do === 'hold');
    if (bridgeId !== null && mayHearMusic) await stopMusic(target, bridgeId);
    const channel = await target.request((ari) => ari.channels.find(channelId));
    if (channel === undefined) return 'gone';
    if (mayHaveBegun && (await wasHandedOn(command, target))) return 'done';
    // In the dialplan who has gone on from where he waited is not ours to judge.
    if (bridgeId === null && channel.dialplan.context !== RECOVERED_CONTEXT) return 'not-alone';
    if (bridgeId !== null && (await membersOf(target, bridgeId)).some((id) => id !== channelId))
      return 'not-alone';
    await treat(context);
    return 'done';
  } catch (err) {
    if (isCoded(err, 'ARI_UNREACHABLE') && now() <= command.notAfter) throw err;
    if (isCoded(err, 'ARI_NOT_FOUND')) return 'gone';
    // Not in Stasis: it has gone on in the dialplan.
    if (mayHaveBegun && treatment.do === 'dialplan' && isCoded(err, 'ARI_CONFLICT')) return 'done';
    log.warn({ err, channelId }, 'cannot see to a leg whose peers cannot return');
    return 'refused';
  }
}

async function treat(context: BereftContext): Promise<void> {
  const { command, target } = context;
  const { channelId, bridgeId, treatment } = command;
  switch (treatment.do) {
    case 'end':
      return target.hangup(channelId, treatment.cause);
    case 'hold':
      if (bridgeId === null) return;
      return target.request((ari) => ari.bridges.startMusicOnHold(bridgeId, treatment.musicOnHold));
    case 'application':
      if (bridgeId !== null) await leave(target, bridgeId, channelId);
      await target.request((ari) => ari.channels.move(channelId, treatment.app, treatment.args));
      return noteHandedOn(context);
    case 'dialplan': {
      if (bridgeId !== null) await leave(target, bridgeId, channelId);
      const { context: place, extension, priority } = treatment;
      return target.request((ari) =>
        ari.channels.continueInDialplan(channelId, { context: place, extension, priority }),
      );
    }
  }
}

/** Asterisk goes on to show the application that a moved channel had before (measured, 22.10): nothing but a mark of ours tells it. */
async function noteHandedOn({ command, target, log }: BereftContext): Promise<void> {
  const { channelId, commandId } = command;
  try {
    await target.request((ari) => ari.channels.setVariable(channelId, HANDED_ON, commandId));
  } catch (err) {
    log.info({ err, channelId }, 'who was handed on is not marked');
  }
}

/** Its application would take a second `StasisStart` for a new channel. */
async function wasHandedOn({ channelId, commandId }: TendBereft, target: Target): Promise<boolean> {
  try {
    return (await target.request((ari) => ari.channels.getVariable(channelId, HANDED_ON))) === commandId;
  } catch (err) {
    if (isCoded(err, 'ARI_NOT_FOUND')) return false;
    throw err;
  }
}

/** One who was taken out before is out. */
async function leave(target: Target, bridgeId: string, channelId: string): Promise<void> {
  if ((await membersOf(target, bridgeId)).includes(channelId))
    await target.request((ari) => ari.bridges.removeChannel(bridgeId, channelId));
}
