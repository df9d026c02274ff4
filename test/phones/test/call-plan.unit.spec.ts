import { describe, expect, it } from 'vitest';
import { calleeKey, type CallPlan } from '../src/call-plan.js';

describe('phones that are called and share a SIPp', () => {
  const plan: CallPlan = { kind: 'dial', holdMs: 20_000, hangsUp: 'callee' };

  it('can take each other’s place', () => {
    expect(calleeKey({ ...plan, kind: 'bridge', node: 'ast1' })).toBe(calleeKey(plan));
    expect(calleeKey({ ...plan, callee: { behindNat: false } })).toBe(calleeKey(plan));
    expect(calleeKey({ ...plan, holdMs: 17_000 })).toBe(calleeKey(plan));
  });

  it.each<[string, CallPlan]>([
    ['must hang up before its caller does', { ...plan, holdMs: 17_000, goesOnMs: 3_000 }],
    ['waits to be hung up', { ...plan, hangsUp: 'caller' }],
    ['is behind NAT', { ...plan, callee: { behindNat: true } }],
    ['behaves otherwise', { ...plan, callee: { reinvitesBack: true } }],
  ])('and one that %s has a SIPp of its own', (_, other) => {
    expect(calleeKey(other)).not.toBe(calleeKey(plan));
  });

  it('and those that must hang up before their callers share one only where they do so at the same time', () => {
    const goesOn: CallPlan = { ...plan, goesOnMs: 3_000 };
    expect(calleeKey({ ...goesOn, node: 'ast1' })).toBe(calleeKey(goesOn));
    expect(calleeKey({ ...goesOn, holdMs: 17_000 })).not.toBe(calleeKey(goesOn));
  });
});
