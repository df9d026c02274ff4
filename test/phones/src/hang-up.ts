import { hangsUpOf, type CallPlan } from './call-plan.js';
import { phonesOf, type ObservedCall } from './observed/call.js';
import { byeOf, isTalkingAt, type PhoneCall } from './observed/phone-call.js';

/** Every phone of the call has seen a BYE, answered. */
export function isOver(call: ObservedCall): boolean {
  return phonesOf(call).every((phone) => (byeOf(phone)?.answer ?? null) !== null);
}

/**
 * The phone whose turn it is to hang up, by the call's plan: of one that goes on (`goesOnMs`) the callee, and the caller so long
 * after. Undefined where it has, or nobody has to yet.
 * @param now epoch ms.
 */
export function nextToHangUp(call: ObservedCall, plan: CallPlan, now: number): PhoneCall | undefined {
  const first = call[hangsUpOf(plan)];
  if (first === undefined) return undefined;
  const talking = isTalkingAt(first, now) ? first : undefined;
  const { goesOnMs } = plan;
  if (talking !== undefined || goesOnMs === undefined) return talking;
  const goneAt = byeOf(first)?.at ?? Infinity;
  return goneAt + goesOnMs <= now && isTalkingAt(call.caller, now) ? call.caller : undefined;
}
