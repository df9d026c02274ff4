import { CALL_KINDS, type CallPlan } from '@reinvite/test-phones';

/** The calls of one demo, and when they are to be made and ended. */
export interface Programme {
  readonly plans: readonly CallPlan[];
  /** New calls a second. */
  readonly perSecond: number;
  /** From the first INVITE until the last phone hangs up by itself, in ms. */
  readonly lastHangUpMs: number;
}

const FASTEST = 20;
/** From the last INVITE until the first phone hangs up: the calls are answered, the node dies, the calls come back. */
const TALK_MS = 16_000;
/** The phones hang up one after the other over this time. */
const HANG_UPS_MS = 8_000;

/**
 * A third of the calls of each kind, and of the pairs half ended by the caller and half by the callee. They are made one
 * after the other and hang up in another order than they began.
 */
export function programmeOf(calls: number): Programme {
  const perSecond = Math.min(FASTEST, Math.max(5, Math.ceil(calls / 8)));
  const beginsAt = (index: number): number => (index * 1_000) / perSecond;
  const talkUntil = beginsAt(calls) + TALK_MS;
  const plans = Array.from({ length: calls }, (_, index): CallPlan => {
    const round = Math.floor(index / CALL_KINDS.length);
    // The edge takes the nodes in turn: shifted each round, so that every node gets calls of every kind.
    const kind = CALL_KINDS[(index + round) % CALL_KINDS.length] ?? 'app';
    const hangsUp = round % 2 === 0 ? 'caller' : 'callee';
    const share = ((index * 7) % calls) / calls;
    return { kind, hangsUp, holdMs: Math.round(talkUntil + share * HANG_UPS_MS - beginsAt(index)) };
  });
  return { plans, perSecond, lastHangUpMs: talkUntil + HANG_UPS_MS };
}
