import { setTimeout as delay } from 'node:timers/promises';
import type { LegAttempt, RestoreCall } from '@reinvite/domain';
import { codedError, isCoded, type Logger } from '@reinvite/runtime';
import type { AnswerOutcome, ChannelLife } from './channel-life.js';
import type { Facts } from './facts.js';
import { originateRequest } from './originate-request.js';
import { refusalOf, UNHEARD, type Refusal } from './reasons.js';
import type { Target } from './target.js';

/** Asterisk ends an unanswered originate itself; so much later it has not. */
const OVERDUE_MARGIN_MS = 2_000;

/** A connection that broke over a request is waited for so long. */
const ASTRAY_WAIT_MS = 1_000;

export interface LegContext {
  readonly command: RestoreCall;
  readonly target: Target;
  readonly facts: Facts;
  readonly log: Logger;
  /**
   * Somebody else, or an earlier life of this process, may have begun: look first. What is not there is claimed, so that nobody
   * has said or will say that nothing was sent, and originated under the same id and CSeq, so that Asterisk or
   * `res_pjsip_recovery` refuses what was sent already.
   */
  readonly mayHaveBegun: boolean;
  readonly answerTimeoutMs: number;
  /** Epoch ms. */
  readonly now: () => number;
  /** Aborts when the process cannot wait any longer. */
  readonly closing: AbortSignal;
}

/**
 * Brings one leg back and publishes what becomes of it: exactly one of `LegAnswered` and `LegRefused`. The answer is
 * taken from the channel's event, which may come before the originate's own return.
 * @returns whether the phone has answered.
 * @throws CodedError `ARI_UNREACHABLE` when the process stops, or loses the node, first; the command then goes to another worker.
 */
export async function restoreLeg(leg: LegAttempt, life: ChannelLife, context: LegContext): Promise<boolean> {
  const { facts } = context;
  const begun = context.mayHaveBegun ? goOn(leg, life, context) : originate(leg, life, context);
  facts.waitFor(begun);
  const outcome = await settled(life, begun, context);
  if (outcome.kind === 'answered') {
    facts.answered(leg);
    return true;
  }
  // The node may be well, and it is this process that does not reach it.
  if (isOutOfReach(outcome) && isWorthAnotherTry(context))
    throw codedError('ARI_UNREACHABLE', `out of reach while ${leg.channelId} was not answered yet`, {
      maybeSent: true,
    });
  facts.refused(leg, refusalFrom(outcome));
  return false;
}

/** @throws what keeps the leg from being claimed. */
async function goOn(leg: LegAttempt, life: ChannelLife, context: LegContext): Promise<void> {
  const { target, facts, log } = context;
  switch (await target.sees(life)) {
    case 'seen':
      facts.originated(leg);
      return;
    case 'failed':
      // It comes again, to whoever reaches the node.
      life.lose('CONNECTION_LOST');
      return;
    case 'absent':
      if (!mayOriginate(context) || (await facts.claim(leg))) return originate(leg, life, context);
      log.info({ channelId: leg.channelId }, 'refused or claimed by another worker before; not originating');
      return find(leg, life, context);
  }
}

function mayOriginate(context: LegContext): boolean {
  return isInTime(context) && context.target.incarnation === context.command.targetIncarnation;
}

function isInTime({ now, command }: LegContext): boolean {
  return now() <= command.notAfter;
}

/** Whether somebody waits still for what another worker could do. */
export function isWorthAnotherTry({
  now,
  command,
  answerTimeoutMs,
}: Pick<LegContext, 'now' | 'command' | 'answerTimeoutMs'>): boolean {
  return now() <= command.notAfter + answerTimeoutMs;
}

function isOutOfReach(outcome: AnswerOutcome): boolean {
  return outcome.kind === 'lost' && outcome.why === 'CONNECTION_LOST';
}

/**
 * Never rejects: what goes wrong is told to the channel's life.
 * @param isLast false where a request that goes astray is made once more.
 */
async function originate(
  leg: LegAttempt,
  life: ChannelLife,
  context: LegContext,
  isLast = false,
): Promise<void> {
  const { target, facts, log } = context;
  const request = originateRequest(leg, Math.ceil(context.answerTimeoutMs / 1_000));
  try {
    const sent = await target.originate(request, () => mayOriginate(context));
    if (sent) facts.originated(leg);
    else if (context.mayHaveBegun) await find(leg, life, context);
    else life.notSent(isInTime(context) ? 'TARGET_UNREACHABLE' : 'DEADLINE_PASSED');
  } catch (err) {
    if (context.mayHaveBegun || mayHaveBeenSent(err)) {
      log.info(
        { err, channelId: leg.channelId },
        'the originate may have been sent; looking for its channel',
      );
      if (!isLast && isCoded(err, 'ARI_UNREACHABLE') && (await hasGoneAstray(life, context)))
        await originate(leg, life, { ...context, mayHaveBegun: true }, true);
      else await find(leg, life, context);
      return;
    }
    log.warn({ err, channelId: leg.channelId }, 'the originate was refused');
    life.notSent(isCoded(err, 'ARI_UNREACHABLE') ? 'TARGET_UNREACHABLE' : 'ORIGINATE_REFUSED');
  }
}

/**
 * Whether a request that was not answered has left no channel. Made again under the same id and CSeq it does no harm where it
 * has arrived all the same, or arrives late: Asterisk or `res_pjsip_recovery` refuses the one that comes second.
 */
async function hasGoneAstray(life: ChannelLife, context: LegContext): Promise<boolean> {
  if (life.isSettled || !(await context.target.hasLife(context.command.targetIncarnation, ASTRAY_WAIT_MS)))
    return false;
  return (await context.target.sees(life)) === 'absent' && !life.isSettled && mayOriginate(context);
}

/** An error that is not one of ARI's own refusals proves nothing; an answer that cannot be read (status 200) is no refusal. */
function mayHaveBeenSent(error: unknown): boolean {
  if (!isCoded(error) || error.code === 'ARI_CONFLICT' || error.details['status'] === 200) return true;
  return error.code === 'ARI_UNREACHABLE' && error.details['maybeSent'] !== false;
}

async function find(leg: LegAttempt, life: ChannelLife, { target, facts }: LegContext): Promise<void> {
  if (await target.look(life)) facts.originated(leg);
}

async function settled(life: ChannelLife, begun: Promise<void>, context: LegContext): Promise<AnswerOutcome> {
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, context.closing]);
  const overdue = begun
    .then(() => delay(context.answerTimeoutMs + OVERDUE_MARGIN_MS, undefined, { signal }))
    .then(
      () => endOverdue(life, context),
      () => undefined,
    );
  try {
    const outcome = await Promise.race([life.outcome, overdue]);
    if (outcome !== undefined) return outcome;
    throw codedError('ARI_UNREACHABLE', `stopped while ${life.channelId} was not answered yet`, {
      maybeSent: true,
    });
  } finally {
    done.abort();
  }
}

/** Never leaves a channel behind that nobody waits for; one that has been answered, unheard, is none. */
async function endOverdue(life: ChannelLife, { target, log }: LegContext): Promise<AnswerOutcome> {
  await target.sees(life);
  if (life.isSettled) return life.outcome;
  log.warn({ channelId: life.channelId }, 'neither answered nor ended in time; hanging up');
  try {
    await target.hangup(life.channelId);
    await life.news(OVERDUE_MARGIN_MS);
  } catch (err) {
    log.warn({ err, channelId: life.channelId }, 'cannot hang up');
    if (isCoded(err, 'ARI_UNREACHABLE')) life.lose('CONNECTION_LOST');
  }
  life.lose('OUTCOME_UNKNOWN');
  return life.outcome;
}

function refusalFrom(outcome: Exclude<AnswerOutcome, { kind: 'answered' }>): Refusal {
  switch (outcome.kind) {
    case 'ended':
      return refusalOf(outcome.cause, outcome.sipStatus, outcome.report);
    case 'not-sent':
      return { ...UNHEARD, reason: outcome.why, sent: false };
    case 'lost':
      return {
        ...UNHEARD,
        reason: outcome.why === 'CONNECTION_LOST' ? 'TARGET_LOST' : outcome.why,
        sent: true,
      };
  }
}
