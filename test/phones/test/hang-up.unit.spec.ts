import { describe, expect, it } from 'vitest';
import type { CallPlan } from '../src/call-plan.js';
import type { Datagram } from '../src/capture/pcap.js';
import { isOver, nextToHangUp } from '../src/hang-up.js';
import { callsOf, type ObservedCall } from '../src/observed/call.js';
import type { PhoneCall } from '../src/observed/phone-call.js';
import { SipTrace } from '../src/observed/sip-trace.js';
import { CallerScript, PHONES } from './frames.js';

const script = new CallerScript({ callId: 'a@phone', dialled: 'dial-6001' });
const begun = script.established(100, 'ast1');
const ended = [...begun, ...script.bye(5_000)];

function phone(datagrams: readonly Datagram[], changes: Partial<PhoneCall> = {}): PhoneCall {
  const trace = new SipTrace(PHONES);
  for (const datagram of datagrams) trace.add(datagram);
  const [call] = trace.calls.values();
  if (call === undefined) throw new Error('no call was seen');
  return { ...call, ...changes };
}

function pair(caller: readonly Datagram[], callee: readonly Datagram[]): ObservedCall {
  const [call] = callsOf([phone(caller), phone(callee, { callId: 'b@ast1', role: 'callee' })]);
  if (call === undefined) throw new Error('no call was seen');
  return call;
}

describe('a call is to end', () => {
  const plan: CallPlan = { kind: 'dial', holdMs: 900_000 };
  const byCallee: CallPlan = { ...plan, hangsUp: 'callee' };
  const goesOn: CallPlan = { ...byCallee, goesOnMs: 3_000 };

  it('by the phone that its plan says', () => {
    const call = pair(begun, begun);
    expect(nextToHangUp(call, plan, 6_000)).toBe(call.caller);
    expect(nextToHangUp(call, byCallee, 6_000)).toBe(call.callee);
    expect(nextToHangUp(call, { ...byCallee, kind: 'app' }, 6_000)).toBe(call.caller);
  });

  it('by nobody where that phone has hung up, or is in no call yet', () => {
    expect(nextToHangUp(pair(ended, begun), plan, 6_000)).toBeUndefined();
    expect(
      nextToHangUp(pair(script.established(100, 'ast1').slice(0, 2), begun), plan, 6_000),
    ).toBeUndefined();
  });

  it('and of one that goes on first by the callee, and so long after by the caller', () => {
    const both = pair(begun, begun);
    expect(nextToHangUp(both, goesOn, 9_000)).toBe(both.callee);
    const alone = pair(begun, ended);
    expect(nextToHangUp(alone, goesOn, 7_999)).toBeUndefined();
    expect(nextToHangUp(alone, goesOn, 8_000)).toBe(alone.caller);
    expect(nextToHangUp(pair(ended, ended), goesOn, 9_000)).toBeUndefined();
  });

  it('and is over when every phone has seen an answered BYE', () => {
    expect(isOver(pair(begun, ended))).toBe(false);
    expect(isOver(pair(ended, [...begun, ...script.bye(5_000).slice(0, 1)]))).toBe(false);
    expect(isOver(pair(ended, ended))).toBe(true);
  });
});
