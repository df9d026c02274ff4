import { describe, expect, it } from 'vitest';
import { advance, newRecovery, type RecoveryCommand, type RecoveryEvent } from '../src/index.js';
import { candidate, factsOf, limits, planRecovery, plannedLeg, record } from './support/recoveries.js';
import { given } from './support/specification.js';

const planned = (legs: number, change = {}) => given([]).when(planRecovery(legs, change)).events;
const first = factsOf(1, 'ast2');
const due = (attempt: number, at: number, candidates = [candidate('ast2'), candidate('ast3')]) =>
  ({ type: 'StartAttempt', attempt, candidates, at }) satisfies RecoveryCommand;

/** One leg of a dialog whose Call-ID is the phone's (`uas`) or ours (`uac`). */
const dialogOf = (role: string): { legs: ReturnType<typeof plannedLeg>[] } => ({
  legs: [
    plannedLeg('leg-0', {
      dialog: {
        PJSIP_RECOVERY_REQUEST_URI: 'sip:phone@10.0.0.9',
        PJSIP_RECOVERY_CSEQ: '17',
        PJSIP_RECOVERY_SDP_ORIGIN: '4711 5 - IP4 10.0.0.1',
        PJSIP_RECOVERY_SDP_STREAMS: 'audio',
        PJSIP_RECOVERY_ROLE: role,
      },
    }),
  ],
});

function sentBy(events: readonly RecoveryEvent[]) {
  return advance(newRecovery(), events).effects.flatMap((effect) =>
    effect.type === 'sendRestoreCall' ? [effect.command] : [],
  );
}

describe('a re-INVITE that collided with one of the phone (491)', () => {
  it.each([
    ['uac', 2_100, 4_000],
    ['uas', 0, 2_000],
  ])('is sent again by the same node after the time of RFC 3261 section 14.1: %s', (role, from, to) => {
    const { events } = given(planned(1, dialogOf(role))).when(
      record(first.refused(0, true, 'REINVITE_COLLIDED')),
    );
    const [, awaited] = events;
    expect(awaited).toMatchObject({ type: 'AttemptAwaited', attempt: 2, reason: 'reinvite-collided' });
    const delay = (awaited?.type === 'AttemptAwaited' ? awaited.dueAt : 0) - 10_100;
    expect(delay).toBeGreaterThanOrEqual(from);
    expect(delay).toBeLessThanOrEqual(to);
    expect(delay % 10).toBe(0);
  });

  it('carries a higher CSeq and a higher version of the offer', () => {
    const collided = record(first.refused(0, true, 'REINVITE_COLLIDED'));
    const events = planned(1, dialogOf('uas'));
    const more = given(events).when(collided, due(2, 14_200)).events;
    const [one, two] = sentBy([...events, ...more]).map(({ legs }) => legs[0]?.variables);
    expect([one?.['PJSIP_RECOVERY_CSEQ'], two?.['PJSIP_RECOVERY_CSEQ']]).toEqual(['17', '1017']);
    expect([one?.['PJSIP_RECOVERY_SDP_ORIGIN'], two?.['PJSIP_RECOVERY_SDP_ORIGIN']]).toEqual([
      '4711 5 - IP4 10.0.0.1',
      '4711 6 - IP4 10.0.0.1',
    ]);
  });

  it('is not sent before its time, and once when its time is told twice', () => {
    given(planned(1))
      .when(record(first.refused(0, true, 'REINVITE_COLLIDED')), due(2, 10_200))
      .then({ type: 'LegRefused' }, { type: 'AttemptAwaited' });
    given(planned(1))
      .when(record(first.refused(0, true, 'REINVITE_COLLIDED')), due(2, 14_200), due(2, 14_200))
      .then({ type: 'LegRefused' }, { type: 'AttemptAwaited' }, { type: 'AttemptStarted', target: 'ast2' });
  });

  it('is not sent again where its answer came after all', () => {
    given(planned(1))
      .when(record(first.refused(0, true, 'REINVITE_COLLIDED')), record(first.answered(0)), due(2, 14_200))
      .then(
        { type: 'LegRefused' },
        { type: 'AttemptAwaited' },
        { type: 'LegAnswered' },
        { type: 'RecoveryCompleted', outcome: 'recovered' },
      );
  });

  it('of one leg waits on the node where the other leg is', () => {
    given(planned(2))
      .when(
        record(first.answered(1)),
        record(first.refused(0, true, 'REINVITE_COLLIDED')),
        { type: 'TimeOutAttempt', attempt: 1, at: 14_000 },
        due(2, 14_200, [candidate('ast3'), candidate('ast2')]),
      )
      .then(
        { type: 'LegAnswered' },
        { type: 'LegRefused' },
        { type: 'AttemptAwaited' },
        { type: 'AttemptStarted', target: 'ast2', legs: [{ legId: 'leg-0' }] as never },
      );
  });

  it('is waited with while nobody hears of its node', () => {
    const patient = { limits: { ...limits, targetWaitMs: 5_000 } };
    for (const [legs, told] of [
      [1, []],
      [2, [record(first.answered(1))]],
    ] as const) {
      given(planned(legs, patient))
        .when(
          ...told,
          record(first.refused(0, true, 'REINVITE_COLLIDED')),
          due(2, 14_200, []),
          due(2, 14_700),
        )
        .then(
          ...told.map(() => ({ type: 'LegAnswered' }) as const),
          { type: 'LegRefused' },
          { type: 'AttemptAwaited', reason: 'reinvite-collided' },
          { type: 'AttemptAwaited', reason: 'no-target', until: 19_200 },
          { type: 'AttemptStarted', target: 'ast2', legs: [{ legId: 'leg-0' }] as never },
        );
    }
  });

  it('four times has failed', () => {
    const events = planned(1);
    const collided = (attempt: number): RecoveryCommand =>
      record(factsOf(attempt, 'ast2').refused(0, true, 'REINVITE_COLLIDED'));
    const more = given(events).when(
      ...[1, 2, 3, 4].flatMap((attempt) => [collided(attempt), due(attempt + 1, 10_100 + attempt * 5_000)]),
    ).events;
    expect(more.filter((event) => event.type === 'AttemptStarted')).toHaveLength(3);
    expect(more.at(-1)).toMatchObject({ outcome: 'failed', reason: 'reinvite-collided' });
  });
});

describe('a re-INVITE that was answered', () => {
  const retryAfter = (reason: string, retryAfterMs: number): RecoveryCommand => {
    const fact = first.refused(0, true, reason);
    return record(fact.type === 'LegRefused' ? { ...fact, status: 500, retryAfterMs } : fact);
  };

  it('500 is sent once more at once, with a higher CSeq', () => {
    const second = factsOf(2, 'ast2');
    given(planned(1))
      .when(
        record(first.refused(0, true, 'REINVITE_OUT_OF_ORDER')),
        record(second.refused(0, true, 'REINVITE_OUT_OF_ORDER')),
      )
      .then(
        { type: 'LegRefused' },
        { type: 'AttemptStarted', attempt: 2, target: 'ast2' },
        { type: 'LegRefused' },
        { type: 'RecoveryCompleted', outcome: 'failed', reason: 'reinvite-out-of-order' },
      );
  });

  it('500 with Retry-After waits as long as the phone asked for, and not for ever', () => {
    given(planned(1))
      .when(retryAfter('REINVITE_OUT_OF_ORDER', 7_000))
      .then({ type: 'LegRefused', status: 500 }, { type: 'AttemptAwaited', dueAt: 17_100, until: null });
    given(planned(1))
      .when(retryAfter('REINVITE_OUT_OF_ORDER', 60_000))
      .then({ type: 'LegRefused' }, { type: 'RecoveryCompleted', reason: 'reinvite-out-of-order' });
  });

  it('488 is sent once more with the plain offer', () => {
    const events = planned(1, dialogOf('uas'));
    const more = given(events).when(record(first.refused(0, true, 'OFFER_REJECTED'))).events;
    expect(more).toMatchObject([
      { type: 'LegRefused' },
      { type: 'AttemptStarted', target: 'ast2', legs: [{ plainOffer: true }] },
    ]);
    const offers = sentBy([...events, ...more]).map(
      ({ legs }) => legs[0]?.variables['PJSIP_RECOVERY_SDP_STREAMS'],
    );
    expect(offers).toEqual(['audio', undefined]);
  });

  it('by nobody, because the node could not make the offer, is tried once with the plain one', () => {
    const second = factsOf(2, 'ast2');
    given(planned(1))
      .when(
        record(first.originated(0)),
        record(first.refused(0, false, 'OFFER_UNSUPPORTED')),
        record(second.originated(0)),
        record(second.refused(0, false, 'OFFER_UNSUPPORTED')),
      )
      .then(
        { type: 'LegOriginated' },
        { type: 'LegRefused' },
        { type: 'AttemptStarted', target: 'ast2', legs: [{ plainOffer: true }] as never },
        { type: 'LegOriginated' },
        { type: 'LegRefused' },
        { type: 'RecoveryCompleted', outcome: 'failed', reason: 'offer-unsupported' },
      );
  });

  it('503 goes to another node at once, and where there is none to the same a second later', () => {
    const refused = first.refused(0, true, 'SERVER_UNAVAILABLE');
    given(planned(1))
      .when(record(refused))
      .then({ type: 'LegRefused' }, { type: 'AttemptStarted', target: 'ast3' });
    const only = [candidate('ast2')];
    given(planned(1))
      .when(record(refused, only), due(2, 11_100, only))
      .then(
        { type: 'LegRefused' },
        { type: 'AttemptAwaited', dueAt: 11_100 },
        { type: 'AttemptStarted', target: 'ast2' },
      );
  });

  it.each(['DIALOG_GONE', 'PHONE_UNREACHABLE', 'CREDENTIALS_REFUSED', 'REINVITE_REJECTED'])(
    '%s is final',
    (reason) => {
      given(planned(1))
        .when(record(first.refused(0, true, reason)))
        .then({ type: 'LegRefused' }, { type: 'RecoveryCompleted', outcome: 'failed' });
    },
  );
});

describe('a re-INVITE that nobody answered', () => {
  it('is sent by another node, whose way to the phone may be better', () => {
    given(planned(1))
      .when(record(first.refused(0, true, 'REINVITE_UNANSWERED')))
      .then({ type: 'LegRefused' }, { type: 'AttemptStarted', attempt: 2, target: 'ast3' });
  });

  it('has failed where there is no other node, or another leg has come back on this one', () => {
    given(planned(1))
      .when(record(first.refused(0, true, 'REINVITE_UNANSWERED'), [candidate('ast2')]))
      .then({ type: 'LegRefused' }, { type: 'RecoveryCompleted', reason: 'reinvite-unanswered' });
    given(planned(2))
      .when(record(first.answered(1)), record(first.refused(0, true, 'REINVITE_UNANSWERED')))
      .then(
        { type: 'LegAnswered' },
        { type: 'LegRefused' },
        { type: 'RecoveryCompleted', outcome: 'partly-recovered' },
      );
  });
});

describe('a call for which no node is fit', () => {
  const waiting = planned(1, { target: null, limits: { ...limits, targetWaitMs: 3_000 } });

  it('waits for one', () => {
    given([])
      .when(
        planRecovery(1, { target: null, limits: { ...limits, targetWaitMs: 3_000 } }),
        due(1, 10_500, []),
        due(1, 11_000, [candidate('ast3')]),
      )
      .then(
        { type: 'RecoveryPlanned', skipped: [] },
        { type: 'AttemptAwaited', attempt: 1, reason: 'no-target', dueAt: 10_500, until: 13_000 },
        { type: 'AttemptAwaited', dueAt: 11_000, until: 13_000 },
        { type: 'AttemptStarted', attempt: 1, target: 'ast3' },
      );
  });

  it('is skipped when none has come in time', () => {
    given(waiting)
      .when(due(1, 10_500, []), due(1, 13_000, []))
      .then(
        { type: 'AttemptAwaited' },
        { type: 'RecoveryCompleted', outcome: 'skipped', reason: 'no-target' },
      );
  });

  it('asks for its time by a row of its own, each time anew', () => {
    const again = given(waiting).when(due(1, 10_500, [])).events;
    const { effects } = advance(newRecovery(), [...waiting, ...again]);
    expect(effects).toMatchObject([
      { type: 'setDeadline', kind: 'retry', attempt: 1, dueAt: 10_500 },
      { type: 'setDeadline', kind: 'retry', attempt: 1, dueAt: 11_000 },
    ]);
  });
});
