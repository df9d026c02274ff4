import { describe, expect, it } from 'vitest';
import type { RecoveryCommand, TargetDied } from '../src/index.js';
import { candidate, factsOf, limits, planRecovery, record } from './support/recoveries.js';
import { given } from './support/specification.js';

const planned = (legs: number, change = {}) => given([]).when(planRecovery(legs, change)).events;
const first = factsOf(1, 'ast2');
const due = (attempt: number, at: number, candidates = [candidate('ast2'), candidate('ast3')]) =>
  ({ type: 'StartAttempt', attempt, candidates, at }) satisfies RecoveryCommand;

describe('a target that dies in the middle of an attempt', () => {
  const died = (takenOver: readonly string[] = [], change: Partial<TargetDied> = {}): RecoveryCommand => ({
    type: 'TargetDied',
    nodeId: 'ast2',
    incarnation: 'life-of-ast2',
    takenOver: new Set(takenOver),
    ended: new Set(),
    candidates: [candidate('ast3')],
    at: 10_200,
    ...change,
  });

  it('loses its legs to another node, whether or not their re-INVITEs had left', () => {
    given(planned(2))
      .when(record(first.originated(0)), died(), died())
      .then(
        { type: 'LegOriginated' },
        { type: 'TargetDied', takenOver: [] },
        { type: 'AttemptStarted', target: 'ast3', legs: [{ legId: 'leg-0' }, { legId: 'leg-1' }] as never },
      );
  });

  it('is waited for where its connection broke first', () => {
    given(planned(1))
      .when(record(first.originated(0)), record(first.refused(0, true, 'TARGET_LOST')), died())
      .then(
        { type: 'LegOriginated' },
        { type: 'LegRefused' },
        { type: 'TargetDied' },
        { type: 'AttemptStarted', target: 'ast3' },
      );
    given(planned(1))
      .when(record(first.refused(0, true, 'TARGET_LOST')), { type: 'TimeOutAttempt', attempt: 1, at: 30_000 })
      .then(
        { type: 'LegRefused' },
        { type: 'AttemptTimedOut' },
        { type: 'RecoveryCompleted', reason: 'target-lost' },
      );
  });

  it('keeps a call of which a leg had come back: the recovery of its own calls sees to it', () => {
    given(planned(2))
      .when(record(first.originated(0)), died([first.channelOf(1)]))
      .then(
        { type: 'LegOriginated' },
        { type: 'TargetDied', takenOver: ['leg-1'] },
        { type: 'RecoveryCompleted', outcome: 'failed', reason: 'target-lost' },
      );
  });

  it('brings nobody back by an answer that becomes known when it is dead: the leg waits for another node', () => {
    const patient = { limits: { ...limits, targetWaitMs: 3_000 } };
    const { events, state } = given(planned(1, patient)).when(
      died([], { candidates: [] }),
      record(first.answered(0)),
      record(first.answered(0)),
      due(2, 10_700, [candidate('ast3')]),
      record(first.answered(0)),
    );
    expect(events).toMatchObject([
      { type: 'TargetDied' },
      { type: 'AttemptAwaited', attempt: 2, reason: 'no-target' },
      { type: 'AnswerCameLate', attempt: 1, target: 'ast2' },
      { type: 'AttemptStarted', attempt: 2, target: 'ast3' },
    ]);
    expect(state).toMatchObject({ phase: 'restoring', legs: [{ target: 'ast3', answered: false }] });
  });

  it('keeps an answer of a leg that the recovery of its own calls has', () => {
    given(planned(2))
      .when(
        record(first.answered(0)),
        died([first.channelOf(0), first.channelOf(1)]),
        record(first.answered(1)),
      )
      .then(
        { type: 'LegAnswered' },
        { type: 'TargetDied', takenOver: ['leg-0', 'leg-1'] },
        { type: 'RecoveryCompleted', outcome: 'partly-recovered' },
        { type: 'AnswerCameLate', legId: 'leg-1' },
      );
  });

  it('gives back a call of which a leg had answered too late for the recovery of its own calls to know', () => {
    given(planned(2))
      .when(record(first.answered(0)), died(), record(factsOf(2, 'ast3').answered(0)))
      .then(
        { type: 'LegAnswered', legId: 'leg-0', target: 'ast2' },
        { type: 'TargetDied', takenOver: [], retaken: [{ legId: 'leg-0', channelId: first.channelOf(0) }] },
        { type: 'AttemptStarted', target: 'ast3', legs: [{ legId: 'leg-0' }, { legId: 'leg-1' }] as never },
        { type: 'LegAnswered', legId: 'leg-0', target: 'ast3' },
      );
  });

  it('does not call a phone again that had hung up there', () => {
    given(planned(2))
      .when(record(first.answered(0)), died([], { ended: new Set([first.channelOf(0)]) }))
      .then(
        { type: 'LegAnswered' },
        { type: 'TargetDied', takenOver: [] },
        { type: 'RecoveryCompleted', outcome: 'partly-recovered', reason: 'target-lost' },
      );
  });

  it('is no news where it died in another life', () => {
    given(planned(1))
      .when({ ...died(), incarnation: 'earlier' } as RecoveryCommand)
      .thenNothing();
  });
});
