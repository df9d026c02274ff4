import type { Behaviour } from './scenario/conversation.js';

/** What joins a call: an application alone, an ARI bridge of two phones, or `Dial`. */
export type CallKind = 'app' | 'bridge' | 'dial';
export const CALL_KINDS: readonly CallKind[] = ['app', 'bridge', 'dial'];

/** What one phone is like; every phone takes re-INVITEs and copies Record-Route unless it says otherwise. */
export interface PhoneTraits extends Partial<Behaviour> {
  /** Behind NAT: its Contact is a private address that nobody can reach. */
  readonly behindNat?: boolean;
}

/** One call to be made. */
export interface CallPlan {
  readonly kind: CallKind;
  /** The node that takes it; any where it is not given. */
  readonly node?: string;
  /** What the caller dials in place of its kind's own; `*` stands for the callee's port, or the call's number where it has no callee. */
  readonly dials?: string;
  /** How long the phone that hangs up talks, in ms from its own answer, unless it is told to hang up before. */
  readonly holdMs: number;
  /** Which phone of a pair hangs up by itself (default: the caller); the other waits to be hung up. */
  readonly hangsUp?: 'caller' | 'callee';
  /**
   * `Dial` with the option `g`: when the callee hangs up, the caller goes on in the dialplan, and hangs up by itself so
   * long after.
   */
  readonly goesOnMs?: number;
  readonly caller?: PhoneTraits;
  readonly callee?: PhoneTraits;
}

/** Longer than any test: such a phone is hung up by the other one. */
const PATIENT_MS = 3_600_000;
/** A private network that is routed nowhere in the lab. */
const UNREACHABLE_CONTACT = '192.168.254.7:5060';

export function behaviourOf(traits: PhoneTraits = {}): Behaviour {
  return {
    reinvitesBack: traits.reinvitesBack ?? false,
    copiesRecordRoute: traits.copiesRecordRoute ?? true,
  };
}

/** `host:port` of the phone's Contact. */
export function contactOf(traits: PhoneTraits | undefined, own: string): string {
  return traits?.behindNat === true ? UNREACHABLE_CONTACT : own;
}

/** Which phone of the call hangs up by itself, and first where both do. */
export function hangsUpOf(plan: CallPlan): 'caller' | 'callee' {
  return plan.kind === 'app' ? 'caller' : (plan.hangsUp ?? 'caller');
}

/** How long each phone of the call talks before it hangs up. */
export function holdOf(plan: CallPlan, role: 'caller' | 'callee'): number {
  if (plan.goesOnMs !== undefined && role === 'caller') return plan.holdMs + plan.goesOnMs;
  return hangsUpOf(plan) === role ? plan.holdMs : PATIENT_MS;
}

/**
 * Plans with the same key have callees that can take each other's place: phones that share a SIPp are called in any order. When
 * a callee hangs up matters only where its caller hangs up by itself later: it must not be another plan's time.
 */
export function calleeKey(plan: CallPlan): string {
  return JSON.stringify([
    behaviourOf(plan.callee),
    plan.callee?.behindNat ?? false,
    plan.hangsUp === 'callee',
    plan.goesOnMs === undefined ? null : plan.holdMs,
  ]);
}

/** User that a caller dials to reach the phone at a port; the call's number in place of that where nobody is called. */
export function dialledUser({ kind, goesOnMs, dials }: CallPlan, port: number | string): string {
  if (dials !== undefined) return dials.replace('*', String(port));
  return `${goesOnMs === undefined ? kind : 'dialg'}-${port}`;
}

/** Calls by a key, in order. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
