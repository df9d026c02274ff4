import type { CallKind } from '../call-plan.js';
import type { PhoneCall } from './phone-call.js';

/** One call with what its phones saw: one phone with an application, or two with each other. */
export interface ObservedCall {
  /** The caller's number: unique among the calls of a run. */
  readonly number: string;
  readonly kind: CallKind;
  readonly caller: PhoneCall;
  readonly callee: PhoneCall | undefined;
}

/** The phones of the call that are there. */
export function phonesOf(call: ObservedCall): PhoneCall[] {
  return call.callee === undefined ? [call.caller] : [call.caller, call.callee];
}

/** Phones by the call that they are in, in the order of the callers' numbers. A phone that is called by no known caller belongs to none. */
export function callsOf(phoneCalls: Iterable<PhoneCall>): ObservedCall[] {
  const all = [...phoneCalls];
  const callees = new Map(all.filter(({ role }) => role === 'callee').map((call) => [call.number, call]));
  const calls = all.flatMap((caller) => {
    if (caller.role !== 'caller') return [];
    const callee = callees.get(caller.number);
    return [{ number: caller.number, kind: kindOf(caller.dialled, callee), caller, callee }];
  });
  return calls.sort((a, b) => Number(a.number) - Number(b.number));
}

/** What is dialled by another name than its kind's own is a pair once a phone was called. */
function kindOf(dialled: string, callee: PhoneCall | undefined): CallKind {
  if (dialled.startsWith('app-')) return 'app';
  if (dialled.startsWith('bridge-')) return 'bridge';
  return dialled.startsWith('dial') || callee !== undefined ? 'dial' : 'app';
}
