import { describe, it } from 'vitest';
import { candidate, factsOf, planRecovery, plannedLeg, record } from './support/recoveries.js';
import { given } from './support/specification.js';

const planned = (legs: number) => given([]).when(planRecovery(legs)).events;
const first = factsOf(1, 'ast2');
const second = factsOf(2, 'ast3');

describe('planning a call', () => {
  it('starts the first attempt at its target', () => {
    given([]).when(planRecovery(2)).then(
      { type: 'RecoveryPlanned', callId: 'call-1', skipped: [], at: 10_000 },
      {
        type: 'AttemptStarted',
        attempt: 1,
        target: 'ast2',
        targetIncarnation: 'life-of-ast2',
        notAfter: 18_000,
      },
    );
  });

  it('completes as skipped where no leg can come back', () => {
    given([])
      .when(
        planRecovery(1, {
          legs: [],
          skipped: [{ legId: 'leg-0', sipCallId: 'x', endpoint: 'edge', reason: 'dialog-early' }],
        }),
      )
      .then(
        { type: 'RecoveryPlanned', legs: [] },
        { type: 'RecoveryCompleted', outcome: 'skipped', reason: 'dialog-early' },
      );
  });

  it('completes as skipped where no node can take it', () => {
    given([])
      .when(planRecovery(1, { target: null }))
      .then(
        { type: 'RecoveryPlanned', legs: [] },
        { type: 'RecoveryCompleted', outcome: 'skipped', reason: 'no-target' },
      );
  });

  it('happens once', () => {
    given(planned(1))
      .when(planRecovery(1, { target: candidate('ast3') }))
      .thenNothing();
  });
});

describe('a call with one leg', () => {
  it('has recovered when its phone has answered', () => {
    given(planned(1))
      .when(record(first.originated(0)), record(first.answered(0)))
      .then(
        { type: 'LegOriginated' },
        { type: 'LegAnswered' },
        { type: 'RecoveryCompleted', outcome: 'recovered', reason: null },
      );
  });

  it('has failed when its phone refused', () => {
    given(planned(1))
      .when(record(first.originated(0)), record(first.refused(0, true)))
      .then(
        { type: 'LegOriginated' },
        { type: 'LegRefused', cause: 21 },
        { type: 'RecoveryCompleted', outcome: 'failed', reason: 'reinvite-rejected' },
      );
  });

  it('is tried on another node when nothing was sent', () => {
    given(planned(1))
      .when(record(first.refused(0, false)))
      .then({ type: 'LegRefused', sent: false }, { type: 'AttemptStarted', attempt: 2, target: 'ast3' });
  });

  it('recovers by its second attempt', () => {
    given(planned(1))
      .when(record(first.refused(0, false)), record(second.originated(0)), record(second.answered(0)))
      .then(
        { type: 'LegRefused' },
        { type: 'AttemptStarted' },
        { type: 'LegOriginated', attempt: 2 },
        { type: 'LegAnswered', attempt: 2 },
        { type: 'RecoveryCompleted', outcome: 'recovered' },
      );
  });

  it('has failed when no attempt is left', () => {
    given(planned(1))
      .when(record(first.refused(0, false)), record(second.refused(0, false)))
      .then(
        { type: 'LegRefused' },
        { type: 'AttemptStarted' },
        { type: 'LegRefused' },
        { type: 'RecoveryCompleted', outcome: 'failed', reason: 'target-unreachable' },
      );
  });

  it('is tried again, once, on the only node where that could not be reached', () => {
    given(planned(1))
      .when(
        record(first.refused(0, false), [candidate('ast2')]),
        { type: 'StartAttempt', attempt: 2, candidates: [candidate('ast2')], at: 30_000 },
        record(factsOf(2, 'ast2').refused(0, false), [candidate('ast2')]),
      )
      .then(
        { type: 'LegRefused' },
        { type: 'AttemptAwaited', reason: 'target-unreachable', until: null },
        { type: 'AttemptStarted', attempt: 2, target: 'ast2' },
        { type: 'LegRefused' },
        { type: 'RecoveryCompleted', outcome: 'failed', reason: 'target-unreachable' },
      );
  });

  it('is tried again on the only node when the command came too late there', () => {
    given(planned(1))
      .when(record(first.refused(0, false, 'DEADLINE_PASSED'), [candidate('ast2')]))
      .then({ type: 'LegRefused' }, { type: 'AttemptStarted', attempt: 2, target: 'ast2' });
  });

  it('is not tried again when its target falls silent: the re-INVITE may have been sent', () => {
    given(planned(1))
      .when({ type: 'TimeOutAttempt', attempt: 1, at: 30_000 })
      .then(
        { type: 'AttemptTimedOut' },
        { type: 'RecoveryCompleted', outcome: 'failed', reason: 'attempt-timed-out', at: 30_000 },
      );
  });

  it('is not tried again when an originate turned up after all', () => {
    given(planned(1))
      .when(record(first.originated(0)), record(first.refused(0, false)))
      .then(
        { type: 'LegOriginated' },
        { type: 'LegRefused' },
        { type: 'RecoveryCompleted', outcome: 'failed' },
      );
  });

  it('keeps its outcome when the answer comes late, and notes it once', () => {
    given(planned(1))
      .when(
        { type: 'TimeOutAttempt', attempt: 1, at: 30_000 },
        record(first.answered(0)),
        record(first.answered(0)),
      )
      .then(
        { type: 'AttemptTimedOut' },
        { type: 'RecoveryCompleted', outcome: 'failed' },
        { type: 'AnswerCameLate' },
      );
  });

  it('ignores what is said of an attempt that is over', () => {
    given(planned(1))
      .when(record(first.refused(0, false)), record(first.originated(0)), record(first.answered(0)), {
        type: 'TimeOutAttempt',
        attempt: 1,
        at: 30_000,
      })
      .then({ type: 'LegRefused' }, { type: 'AttemptStarted' });
  });

  it('stays where it was sent, whatever node a fact of it names', () => {
    given(planned(1))
      .when(
        record({ ...first.originated(0), target: 'ast3' }),
        record({ ...first.answered(0), target: 'ast3' }),
      )
      .then(
        { type: 'LegOriginated', target: 'ast2' },
        { type: 'LegAnswered', target: 'ast2' },
        { type: 'RecoveryCompleted', outcome: 'recovered' },
      );
  });

  it('takes the answer over a refusal that was told first', () => {
    given(planned(2))
      .when(
        record(first.refused(0, true)),
        record(first.answered(0)),
        record(first.answered(1)),
        record(first.joined()),
      )
      .then(
        { type: 'LegRefused' },
        { type: 'LegAnswered' },
        { type: 'LegAnswered' },
        { type: 'LegsJoined' },
        { type: 'RecoveryCompleted', outcome: 'recovered' },
      );
  });
});

describe('a call with two legs', () => {
  it('has recovered when both have answered and are joined', () => {
    given(planned(2))
      .when(record(first.joined()), record(first.answered(1)), record(first.answered(0)))
      .then(
        { type: 'LegsJoined' },
        { type: 'LegAnswered' },
        { type: 'LegAnswered' },
        { type: 'RecoveryCompleted', outcome: 'recovered' },
      );
  });

  it('does not wait for a join that the dialplan makes', () => {
    const call = { ...planRecovery(2).call, join: { kind: 'dialplan' as const } };
    given([])
      .when(planRecovery(2, { call }), record(first.answered(0)), record(first.answered(1)))
      .then(
        { type: 'RecoveryPlanned' },
        { type: 'AttemptStarted' },
        { type: 'LegAnswered' },
        { type: 'LegAnswered' },
        { type: 'RecoveryCompleted', outcome: 'recovered' },
      );
  });

  it('came back in part when one phone refused', () => {
    given(planned(2))
      .when(record(first.answered(0)), record(first.refused(1, true, 'REINVITE_UNANSWERED')))
      .then(
        { type: 'LegAnswered' },
        { type: 'LegRefused' },
        { type: 'RecoveryCompleted', outcome: 'partly-recovered', reason: 'reinvite-unanswered' },
      );
  });

  it('came back in part when its legs could not be joined', () => {
    given(planned(2))
      .when(record(first.answered(0)), record(first.answered(1)), record(first.joinFailed()))
      .then(
        { type: 'LegAnswered' },
        { type: 'LegAnswered' },
        { type: 'JoinFailed', reason: 'ari-request-failed' },
        { type: 'RecoveryCompleted', outcome: 'partly-recovered', reason: 'join-failed' },
      );
  });

  it('came back in part when nobody confirmed the join in time', () => {
    given(planned(2))
      .when(record(first.answered(0)), record(first.answered(1)), {
        type: 'TimeOutAttempt',
        attempt: 1,
        at: 30_000,
      })
      .then(
        { type: 'LegAnswered' },
        { type: 'LegAnswered' },
        { type: 'AttemptTimedOut' },
        { type: 'RecoveryCompleted', outcome: 'partly-recovered', reason: 'join-unconfirmed' },
      );
  });

  it('came back in part when a leg of it had been skipped', () => {
    const skipped = [{ legId: 'leg-1', sipCallId: 'x', endpoint: 'edge', reason: 'dialog-ended' }];
    given([])
      .when(
        planRecovery(2, { legs: [plannedLeg('leg-0')], skipped }),
        record(first.answered(0)),
        record(first.joined()),
      )
      .then(
        { type: 'RecoveryPlanned' },
        { type: 'AttemptStarted' },
        { type: 'LegAnswered' },
        { type: 'LegsJoined' },
        { type: 'RecoveryCompleted', outcome: 'partly-recovered', reason: 'dialog-ended' },
      );
  });

  it('goes to another node as a whole when nothing of it was sent', () => {
    given(planned(2))
      .when(record(first.refused(0, false)), record(first.refused(1, false)))
      .then(
        { type: 'LegRefused' },
        { type: 'LegRefused' },
        { type: 'AttemptStarted', target: 'ast3', legs: [{ legId: 'leg-0' }, { legId: 'leg-1' }] as never },
      );
  });

  it('stays on the node where one leg is: only the leg that was not sent is tried again, there', () => {
    given(planned(2))
      .when(record(first.refused(0, false)), record(first.answered(1)))
      .then(
        { type: 'LegRefused' },
        { type: 'LegAnswered' },
        { type: 'AttemptStarted', attempt: 2, target: 'ast2', legs: [{ legId: 'leg-0' }] as never },
      );
  });

  it('has failed when its target fell silent after one leg was refused unsent', () => {
    given(planned(2))
      .when(record(first.refused(0, false)), { type: 'TimeOutAttempt', attempt: 1, at: 30_000 })
      .then(
        { type: 'LegRefused' },
        { type: 'AttemptTimedOut' },
        { type: 'RecoveryCompleted', outcome: 'failed' },
      );
  });
});
