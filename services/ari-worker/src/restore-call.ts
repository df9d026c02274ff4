import type { LegAttempt } from '@reinvite/domain';
import { isCoded } from '@reinvite/runtime';
import type { ChannelLife } from './channel-life.js';
import { Comfort } from './comfort.js';
import { hangUpTrunks } from './hang-up-trunks.js';
import { Bridging } from './join.js';
import { LegResuming, resumeBridge } from './resume/resume.js';
import { UNHEARD, type JoinReason } from './reasons.js';
import { isWorthAnotherTry, restoreLeg, type LegContext } from './restore-leg.js';

/** A connection that is just being made again is waited for so long: before a leg is tried elsewhere … */
const CONNECT_WAIT_MS = 500;
/** … and before a command that may have begun, which nobody tries elsewhere, goes to another worker. */
const RECONNECT_WAIT_MS = 2_000;

/**
 * Carries out one command: all legs at once, each joined as soon as it is up. Resolves when every leg has answered or been
 * refused, what is to be joined is joined, and the facts are stored.
 * @throws what keeps the facts from being stored, or the process from waiting on: the command then comes again.
 */
export async function restoreCall(context: LegContext): Promise<void> {
  const { command, target, facts, mayHaveBegun } = context;
  const waitMs = mayHaveBegun ? RECONNECT_WAIT_MS : CONNECT_WAIT_MS;
  const reachable = await target.hasLife(command.targetIncarnation, waitMs);
  if (reachable || mayHaveBegun) await restoreLegs(context);
  else
    command.legs.forEach((leg) =>
      facts.refused(leg, { ...UNHEARD, reason: 'TARGET_UNREACHABLE', sent: false }),
    );
  await facts.stored();
}

async function restoreLegs(context: LegContext): Promise<void> {
  const { command } = context;
  if (command.legs.length > 0 && !(await restoreAndJoinAll(context))) return;
  await hangUpTrunks(context);
}

/** @returns whether a leg is back. */
async function restoreAndJoinAll(context: LegContext): Promise<boolean> {
  const { command, target, facts, log } = context;
  const followed = command.legs.map((leg) => ({
    leg,
    life: target.follow(leg.channelId, command.targetIncarnation),
  }));
  const { join } = command;
  const bridging = join.kind === 'ari-bridge' ? new Bridging(join, target, log) : undefined;
  const comfort = join.kind === 'ari-bridge' ? new Comfort(command, join.bridgeId, target, log) : undefined;
  try {
    const resuming = followed.map(({ leg, life }) => new LegResuming(leg, life, context));
    const legs = followed.map(({ leg, life }, n) =>
      restoreAndJoin(leg, life, bridging, resuming[n], context).finally(() => comfort?.settled()),
    );
    bridging?.prepare();
    comfort?.look();
    const results = await allOf(legs);
    const isBack = results.some((result) => result !== 'refused');
    if (command.join.kind !== 'ari-bridge') return isBack;
    const { bridgeId } = command.join;
    if (results.every((result) => result === 'refused')) await bridging?.discard();
    const failure = results.find(isJoinReason);
    if (failure !== undefined) facts.joinFailed(failure);
    else if (results.every((result) => result === 'joined')) facts.joined(bridgeId);
    if (results.includes('joined')) await resumeJoined(resuming, results, bridgeId, context);
    return isBack;
  } finally {
    followed.forEach(({ life }) => target.release(life));
  }
}

type LegResult = 'refused' | 'joined' | JoinReason;

function isJoinReason(result: LegResult): result is JoinReason {
  return result !== 'joined' && result !== 'refused';
}

async function restoreAndJoin(
  leg: LegAttempt,
  life: ChannelLife,
  bridging: Bridging | undefined,
  resuming: LegResuming | undefined,
  context: LegContext,
): Promise<LegResult> {
  const answered = await restoreLeg(leg, life, context);
  if (!answered) return 'refused';
  await resuming?.beforeJoin();
  if (bridging === undefined) {
    await resuming?.afterJoin(false);
    return 'joined';
  }
  try {
    return (await bridging.add(life, leg.resume?.holdingRole)) ?? 'joined';
  } catch (error) {
    if (isCoded(error, 'ARI_UNREACHABLE') && !isWorthAnotherTry(context)) return 'JOIN_TIMEOUT';
    throw error;
  }
}

/** What concerns a bridge comes back when all who could are in it. */
async function resumeJoined(
  resuming: readonly LegResuming[],
  results: readonly LegResult[],
  bridgeId: string,
  context: LegContext,
): Promise<void> {
  const joined = resuming.filter((_, n) => results[n] === 'joined');
  await Promise.all(
    joined.map(async (leg) => {
      await leg.holdOther(bridgeId);
      await leg.afterJoin(true);
    }),
  );
  await resumeBridge(context);
}

/** Waits for all, also where one rejects: no leg is left unattended. */
async function allOf<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === 'fulfilled') return result.value;
    throw result.reason;
  });
}
