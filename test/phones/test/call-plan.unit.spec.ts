import { describe, expect, it } from 'vitest';
import { calleeKey, type CallPlan } from '../src/call-plan.js';

describe('phones that are called and share a SIPp', () => {
  const plan: CallPlan = { kind: 'dial', holdMs: 20_000, hangsUp: 'callee' };

  it('can take each other’s place', () => {
    expect(calleeKey({ ...plan, kind: 'bridge', node: 'ast1' })).toBe(calleeKey(plan));
    expect(calleeKey({ ...plan, callee: { behindNat: false } })).toBe(calleeKey(plan));
    const waiting: CallPlan = { ...plan, hangsUp: 'caller' };
    expect(calleeKey({ ...waiting, holdMs: 17_000 })).toBe(calleeKey(waiting));
  });

  it.each<[string, CallPlan]>([
    ['hangs up at another time', { ...plan, holdMs: 17_000 }],
    ['waits to be hung up', { ...plan, hangsUp: 'caller' }],
    ['is behind NAT', { ...plan, callee: { behindNat: true } }],
    ['behaves otherwise', { ...plan, callee: { reinvitesBack: true } }],
  ])('and one that %s has a SIPp of its own', (_, other) => {
    expect(calleeKey(other)).not.toBe(calleeKey(plan));
  });
});
