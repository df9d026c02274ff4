import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quarantineOf, type PastRecovery } from '../src/index.js';
import { policy } from './support/policies.js';

const node = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const moment = fc.integer({ min: 0, max: 400_000 });

const past: fc.Arbitrary<PastRecovery> = fc.record({
  callId: fc.constant('a@phone'),
  nodeId: node,
  incarnation: fc.constantFrom('1', '2'),
  detectedAt: moment,
  target: fc.option(node),
  targetIncarnation: fc.option(fc.constantFrom('1', '2')),
  takenAt: fc.option(moment),
  lostTargets: fc.nat({ max: 2 }),
});
const death = fc.record({ nodeId: node, incarnation: fc.constantFrom('1', '2'), at: moment });
/** One death of an incarnation, as the store has it. */
const history = fc.uniqueArray(past, {
  maxLength: 12,
  selector: ({ nodeId, incarnation }) => `${nodeId} ${incarnation}`,
});

describe('whether a call is given to another node', () => {
  it('does not depend on the order in which its past is read', () => {
    fc.assert(
      fc.property(history, death, (all, last) => {
        expect(quarantineOf(all.toReversed(), last, policy())).toBe(quarantineOf(all, last, policy()));
      }),
    );
  });

  it('is never answered more kindly by a policy that allows less', () => {
    fc.assert(
      fc.property(history, death, (all, last) => {
        const strict = policy({
          crashLimit: { nodes: 1, withinMs: 60_000 },
          recoveryLimit: { recoveries: 1, withinMs: 600_000 },
        });
        if (quarantineOf(all, last, policy()) !== null)
          expect(quarantineOf(all, last, strict)).not.toBeNull();
      }),
    );
  });

  it('is always answered with yes for a call that no node had taken', () => {
    fc.assert(
      fc.property(history, death, (all, last) => {
        const untaken = all.map((one) => ({ ...one, takenAt: null, lostTargets: 0 }));
        expect(quarantineOf(untaken, last, policy())).toBeNull();
      }),
    );
  });
});
