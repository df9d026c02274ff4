import { createHash } from 'node:crypto';
import type { Reason } from './reasons.js';
import type { LegProgress, RestoringState } from './state.js';

/** How a leg that did not come back by its latest attempt may be tried again. */
export interface Again {
  /** `any`: the same node if it is still there. `elsewhere`: a node that has not been tried. */
  readonly where: 'any' | 'elsewhere';
  /** Whether a node that was tried may be taken where there is no other. */
  readonly mayReturn: boolean;
  /** Whether it may be tried on that same node where another leg of the call has come back there. */
  readonly joinsOthers: boolean;
  /** Whether it is worth waiting for a node to turn up. */
  readonly waitsForNode: boolean;
  /** How long to leave the phone alone, ms; by another node it is asked at once where `where` is `elsewhere`. */
  readonly delayMs: number;
  readonly plainOffer: boolean;
}

type Rule = Omit<Again, 'delayMs'> & {
  /** How often in one recovery. */
  readonly times: number;
  /** Whether the attempt counts against `maxAttempts`; what a phone answered at once does not. */
  readonly counts: boolean;
};

/** Longest time that a phone or proxy may ask for; people on the line wait no longer (RFC 3261 section 14.2 has up to 10 s). */
const PATIENCE_MS = 10_000;
/** After a 503 that names no time, and where it could not be reached, the same node tries again after this. */
const UNAVAILABLE_MS = 1_000;
const STEP_MS = 10;

const elsewhere = {
  where: 'elsewhere',
  mayReturn: false,
  joinsOthers: true,
  waitsForNode: false,
  plainOffer: false,
} as const;
/** The node is well; where it is not heard of for a while, because nobody is, it is waited for. */
const again = { ...elsewhere, where: 'any', mayReturn: true, waitsForNode: true } as const;

/**
 * What of the dialog a refused re-INVITE leaves as it was: any final answer but 2xx, 481 and 408 (RFC 3261 sections 12.2.1.2
 * and 14.1), and one that our side cancelled. Of these the ones that another attempt may turn into a 200:
 */
const AFTER_SENT: Partial<Record<Reason, Rule>> = {
  'reinvite-collided': { ...again, times: 3, counts: false },
  'reinvite-out-of-order': { ...again, times: 1, counts: false },
  'offer-rejected': { ...again, plainOffer: true, times: 1, counts: false },
  'server-unavailable': { ...elsewhere, mayReturn: true, times: 1, counts: true },
  // Cancelled and never answered: only another node's way to the phone could be better.
  'reinvite-unanswered': { ...elsewhere, joinsOthers: false, times: 1, counts: true },
  // Of a dead node nothing comes any more; the phone tells its re-INVITE from ours by the CSeq.
  'target-lost': { ...elsewhere, mayReturn: true, waitsForNode: true, times: Infinity, counts: true },
};

/** Nothing of it was sent: the node is at fault, not the phone. */
const AFTER_UNSENT: Rule = { ...elsewhere, waitsForNode: true, times: Infinity, counts: true };

/** … or its endpoint cannot make the offer: Asterisk's own one may do. */
const AFTER_UNSUPPORTED: Rule = { ...again, plainOffer: true, times: 1, counts: false };

const OFFER_UNSUPPORTED: Reason = 'offer-unsupported';
const TARGET_LOST: Reason = 'target-lost';

/** What kept a command from the node may be over soon, and there may be no other node. */
const MAY_RETURN: ReadonlySet<string> = new Set<Reason>(['deadline-passed', 'target-unreachable']);

/** How the leg may be tried again, now that its latest attempt has ended; null where it may not. */
export function againOf(leg: LegProgress, state: RestoringState): Again | null {
  const reason = endOf(leg, state);
  if (leg.answered || reason === null || state.takenOver.includes(leg.legId)) return null;
  if (state.legs.some((one) => crashesNodes(one, state))) return null;
  const rule = ruleOf(leg, reason);
  if (rule === undefined) return null;
  const before = leg.history.filter((one) => one === reason).length;
  const counted = [...leg.history, reason].filter((one) => ruleNamed(one).counts).length;
  if (before >= rule.times || (rule.counts && counted >= state.plan.limits.maxAttempts)) return null;
  const delayMs = delayOf(leg, reason, state);
  return delayMs > PATIENCE_MS ? null : { ...rule, delayMs };
}

/** True where the leg has lost as many targets as its call may: what kills them may be the call, whichever leg was there. */
export function crashesNodes(leg: LegProgress, state: RestoringState): boolean {
  const { crashesLeft = Infinity } = state.plan.limits;
  const lost = [...leg.history, endOf(leg, state)].filter((one) => one === TARGET_LOST).length;
  return lost >= crashesLeft;
}

/** Why the leg's latest attempt ended; null while it goes on. What a lost target did is known once it is dead. */
export function endOf(leg: LegProgress, { targetDead }: RestoringState): string | null {
  const reason = leg.refused?.reason ?? TARGET_LOST;
  return reason === TARGET_LOST && !targetDead ? null : reason;
}

function ruleOf({ refused, originated }: LegProgress, reason: string): Rule | undefined {
  if (refused !== null && !refused.sent && reason !== TARGET_LOST) {
    if (originated && reason !== OFFER_UNSUPPORTED) return undefined;
    if (reason === OFFER_UNSUPPORTED) return AFTER_UNSUPPORTED;
    return MAY_RETURN.has(reason) ? { ...AFTER_UNSENT, mayReturn: true } : AFTER_UNSENT;
  }
  return AFTER_SENT[reason as Reason];
}

function ruleNamed(reason: string): Rule {
  if (reason === OFFER_UNSUPPORTED) return AFTER_UNSUPPORTED;
  return AFTER_SENT[reason as Reason] ?? AFTER_UNSENT;
}

function delayOf(leg: LegProgress, reason: string, state: RestoringState): number {
  const asked = leg.refused?.retryAfterMs ?? null;
  switch (reason as Reason) {
    case 'reinvite-collided':
      return Math.max(asked ?? 0, glareMs(leg, state));
    case 'reinvite-out-of-order':
      return asked ?? 0;
    case 'server-unavailable':
      return asked ?? UNAVAILABLE_MS;
    case 'target-unreachable':
      return state.legs.some(({ answered }) => answered) ? 0 : UNAVAILABLE_MS;
    default:
      return 0;
  }
}

/**
 * RFC 3261 section 14.1: 2.1 to 4 s for the owner of the Call-ID, 0 to 2 s for the other, in steps of 10 ms. The upper ends are
 * left out: a deadline is looked at up to 300 ms late. Drawn from the leg, so that it is the same whenever it is decided.
 */
function glareMs(leg: LegProgress, { plan }: RestoringState): number {
  const role = plan.legs.find(({ legId }) => legId === leg.legId)?.dialog['PJSIP_RECOVERY_ROLE'];
  const [from, to] = role === 'uas' ? [0, 1_700] : [2_100, 3_700];
  const drawn = createHash('sha256').update(leg.channelId).digest().readUInt32BE() / 2 ** 32;
  return from + Math.floor((drawn * (to - from)) / STEP_MS) * STEP_MS;
}
