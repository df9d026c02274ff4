import type { LegAttempt } from '@reinvite/domain';
import { isCoded } from '@reinvite/runtime';
import type { ChannelLife } from './channel-life.js';
import { Comfort } from './comfort.js';
import { hangUpTrunks } from './hang-up-trunks.js';
import { Bridging } from './join.js';
import { holdArrived } from './resume/hold.js';
import { bridgeNotJoined, LegResuming, resumeBridge } from './resume/resume.js';
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
  const followed = command.legs.map((leg): Followed => {
    const life = target.follow(leg.channelId, command.targetIncarnation);
    return { leg, life, resuming: new LegResuming(leg, life, context) };
  });
  const { join } = command;
  const bridging = join.kind === 'ari-bridge' ? new Bridging(join, target, log) : undefined;
  const comfort = join.kind === 'ari-bridge' ? new Comfort(context, join.bridgeId) : undefined;
  try {
    const legs = followed.map((one) =>
      restoreAndJoin(one, bridging, context).finally(() => comfort?.settled()),
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
    followed.forEach(({ resuming }, n) => {
      const result = results[n];
      if (result !== undefined && isJoinReason(result)) resuming.notJoined(result);
    });
    const joined = followed.filter((_, n) => results[n] === 'joined');
    if (joined.length > 0) await resumeJoined(joined, bridgeId, context);
    else if (failure !== undefined && !followed.some(({ life }) => life.isOutOfReach))
      bridgeNotJoined(failure, context);
    return isBack;
  } finally {
    followed.forEach(({ life }) => target.release(life));
  }
}

interface Followed {
  readonly leg: LegAttempt;
  readonly life: ChannelLife;
  readonly resuming: LegResuming;
}

type LegResult = 'refused' | 'joined' | JoinReason;

function isJoinReason(result: LegResult): result is JoinReason {
  return result !== 'joined' && result !== 'refused';
}

async function restoreAndJoin(
  { leg, life, resuming }: Followed,
  bridging: Bridging | undefined,
  context: LegContext,
): Promise<LegResult> {
  const answered = await restoreLeg(leg, life, context);
  if (!answered) return 'refused';
  await resuming.beforeJoin();
  if (bridging === undefined) {
    await resuming.afterJoin(false);
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
  joined: readonly Followed[],
  bridgeId: string,
  context: LegContext,
): Promise<void> {
  await Promise.all(
    joined.map(async ({ resuming }) => {
      await resuming.holdOther(bridgeId);
      await resuming.afterJoin(true);
    }),
  );
  await holdArrived(bridgeId, context);
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
