import { describe, expect, it } from 'vitest';
import { decide, earlyDialogsOf, unplanned, type RecoveryPlanned, type SkippedLeg } from '../src/index.js';
import { planRecovery } from './support/recoveries.js';

function planned(skipped: SkippedLeg[]): RecoveryPlanned {
  const [event] = decide(planRecovery(0, { skipped, target: null }), unplanned);
  if (event?.type !== 'RecoveryPlanned') throw new Error('a plan');
  return event;
}

describe('what a plan wants ended at the edge', () => {
  const early = { endpoint: 'edge', reason: 'dialog-early' };

  it('is every INVITE that nobody can answer any more', () => {
    const plan = planned([
      { ...early, legId: 'a', sipCallId: 'a@phone', inviteCseq: 0 },
      { ...early, legId: 'b', sipCallId: 'b@us' },
    ]);
    expect(earlyDialogsOf(plan)).toMatchObject({
      type: 'EndEarlyDialogs',
      recoveryId: plan.recoveryId,
      dialogs: [{ legId: 'a', sipCallId: 'a@phone', inviteCseq: 0 }],
    });
  });

  it('is nothing where there is none', () => {
    expect(earlyDialogsOf(planned([{ ...early, legId: 'b', sipCallId: 'b@us' }]))).toBeNull();
  });
});
