import { describe, expect, it } from 'vitest';
import { DemoCalls } from '../src/demo-app/calls.js';

function pair(): DemoCalls {
  const calls = new DemoCalls();
  calls.begin('call', 'bridge', 'bridge-1');
  calls.enter('call', 'ast1', 'a');
  calls.enter('call', 'ast1', 'b');
  return calls;
}

describe('the demo application', () => {
  it('ends the other leg of a pair when one ends, and once', () => {
    const calls = pair();
    expect(calls.leave('a')).toEqual({ node: 'ast1', bridgeId: 'bridge-1', hangUp: ['b'] });
    expect(calls.leave('b')).toBeUndefined();
  });

  it('keeps a call over the death of its node, and is in charge of its new legs', () => {
    const calls = pair();
    calls.enter('call', 'ast2', 'a2');
    calls.nodeGone('ast1');
    calls.enter('call', 'ast2', 'b2');
    expect(calls.leave('a')).toBeUndefined();
    expect(calls.kindOf('call')).toBe('bridge');
    expect(calls.leave('b2')).toEqual({ node: 'ast2', bridgeId: 'bridge-1', hangUp: ['a2'] });
  });

  it('does not know calls that began before it did', () => {
    const calls = new DemoCalls();
    calls.enter('call', 'ast1', 'a');
    expect(calls.kindOf('call')).toBeUndefined();
    expect(calls.leave('a')).toBeUndefined();
  });
});
