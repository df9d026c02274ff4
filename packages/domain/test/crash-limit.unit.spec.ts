import { describe, it } from 'vitest';
import { decide, unplanned, type RecoveryCommand } from '../src/index.js';
import { candidate, factsOf, limits, planRecovery, record } from './support/recoveries.js';
import { given } from './support/specification.js';

/** A call of one leg that may lose so many targets. */
const limited = (crashesLeft: number) =>
  decide(planRecovery(1, { limits: { ...limits, maxAttempts: 3, crashesLeft } }), unplanned);

const died = (nodeId: string): RecoveryCommand => ({
  type: 'TargetDied',
  nodeId,
  incarnation: `life-of-${nodeId}`,
  takenOver: new Set(),
  ended: new Set(),
  candidates: [candidate('ast3'), candidate('ast4')],
  at: 10_200,
});

describe('a call whose targets die before it has come back there', () => {
  it('is given to no further node once it has lost as many as it may', () => {
    given(limited(1))
      .when(died('ast2'))
      .then(
        { type: 'TargetDied' },
        { type: 'RecoveryCompleted', outcome: 'failed', reason: 'call-crashes-nodes' },
      );
    given(limited(2))
      .when(died('ast2'), died('ast3'))
      .then(
        { type: 'TargetDied' },
        { type: 'AttemptStarted', target: 'ast3' },
        { type: 'TargetDied' },
        { type: 'RecoveryCompleted', outcome: 'failed', reason: 'call-crashes-nodes' },
      );
  });

  it('is tried again while it may lose another', () => {
    given(limited(3))
      .when(died('ast2'), died('ast3'))
      .then(
        { type: 'TargetDied' },
        { type: 'AttemptStarted', attempt: 2, target: 'ast3' },
        { type: 'TargetDied' },
        { type: 'AttemptStarted', attempt: 3, target: 'ast4' },
      );
  });

  it('counts for all legs of the call the nodes that one of them was lost with', () => {
    const pair = decide(
      planRecovery(2, { limits: { ...limits, maxAttempts: 3, crashesLeft: 1 } }),
      unplanned,
    );
    const facts = factsOf(1, 'ast2');
    given(pair)
      .when(record(facts.answered(0)), record(facts.refused(1, true, 'REINVITE_COLLIDED')), died('ast2'), {
        type: 'StartAttempt',
        attempt: 2,
        candidates: [candidate('ast3')],
        at: 60_000,
      })
      .then(
        { type: 'LegAnswered' },
        { type: 'LegRefused' },
        { type: 'AttemptAwaited', reason: 'reinvite-collided' },
        { type: 'TargetDied' },
        { type: 'RecoveryCompleted' },
      );
  });
});
