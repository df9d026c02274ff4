import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  advance,
  decide,
  evolve,
  newRecovery,
  unplanned,
  type RecoveryCommand,
  type RecoveryEvent,
  type RestoreFact,
} from '../src/index.js';
import { candidate, factsOf, limits, planRecovery, plannedLeg, record } from './support/recoveries.js';

const LEGS = 3;
const ATTEMPTS = 9;
const nodes = ['ast2', 'ast3', 'ast4'];

/** Final answers, and the like, that leave the dialog as it was and may be mended by another attempt. */
const MENDABLE = [
  'REINVITE_COLLIDED',
  'REINVITE_OUT_OF_ORDER',
  'OFFER_REJECTED',
  'SERVER_UNAVAILABLE',
  'REINVITE_UNANSWERED',
];
const FINAL = ['REINVITE_REJECTED', 'DIALOG_GONE', 'OUTCOME_UNKNOWN', 'TARGET_LOST', 'PHONE_UNREACHABLE'];
const UNSENT = ['TARGET_UNREACHABLE', 'DEADLINE_PASSED', 'MODULE_REFUSED', 'OFFER_UNSUPPORTED'];

const planning = (): RecoveryCommand =>
  planRecovery(LEGS, {
    legs: Array.from({ length: LEGS }, (_, n) =>
      plannedLeg(`leg-${n}`, {
        dialog: { PJSIP_RECOVERY_REQUEST_URI: 'sip:phone@10.0.0.9', PJSIP_RECOVERY_CSEQ: '17' },
      }),
    ),
    limits: { ...limits, maxAttempts: 3, targetWaitMs: 6_000 },
  });

const anyAttempt = fc.integer({ min: 1, max: 5 });
const anyTime = fc.constantFrom(10_100, 10_700, 12_000, 14_500, 17_000, 30_000);
const anyNodes = fc.subarray(nodes).map((some) => some.map((node) => candidate(node)));

/** Any fact at all, of any leg and attempt, in an order that makes no sense. */
const anyFact = fc
  .record({
    attempt: anyAttempt,
    leg: fc.integer({ min: 0, max: LEGS }),
    node: fc.constantFrom(...nodes),
    reason: fc.constantFrom(...MENDABLE, ...FINAL),
    unsent: fc.constantFrom(...UNSENT),
    kind: fc.nat(6),
  })
  .map(({ attempt, leg, node, reason, unsent, kind }): RestoreFact => {
    const facts = factsOf(attempt, node);
    const all = [
      facts.originated(leg),
      facts.answered(leg),
      facts.refused(leg, true, reason),
      facts.refused(leg, true, reason),
      facts.refused(leg, false, unsent),
      facts.joined(),
      facts.joinFailed(),
    ];
    return all[kind] ?? facts.joined();
  });

const anyCommand: fc.Arbitrary<RecoveryCommand> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.tuple(anyFact, anyNodes).map(([fact, candidates]) => record(fact, candidates)),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ attempt: anyAttempt, candidates: anyNodes, at: anyTime })
      .map((due): RecoveryCommand => ({ type: 'StartAttempt', ...due })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ nodeId: fc.constantFrom(...nodes), taken: fc.nat(3), candidates: anyNodes, at: anyTime })
      .map(({ nodeId, taken, candidates, at }): RecoveryCommand => ({
        type: 'TargetDied',
        nodeId,
        incarnation: `life-of-${nodeId}`,
        takenOver: new Set(taken === 0 ? [1, 2].map((n) => factsOf(n, nodeId).channelOf(0)) : []),
        ended: new Set(taken === 1 ? [1, 2].map((n) => factsOf(n, nodeId).channelOf(1)) : []),
        candidates: candidates.filter((one) => one.nodeId !== nodeId),
        at,
      })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(anyAttempt, anyTime)
      .map(([attempt, at]): RecoveryCommand => ({ type: 'TimeOutAttempt', attempt, at })),
  },
  { weight: 1, arbitrary: fc.constant<RecoveryCommand>(planning()) },
);

function run(commands: readonly RecoveryCommand[]): RecoveryEvent[] {
  let state = unplanned;
  return commands.flatMap((command) => {
    const events = decide(command, state);
    state = events.reduce(evolve, state);
    return events;
  });
}

const count = (events: readonly RecoveryEvent[], type: RecoveryEvent['type']): number =>
  events.filter((event) => event.type === type).length;

const attemptsOf = (events: readonly RecoveryEvent[], legId: string) =>
  events.flatMap((event) =>
    event.type === 'AttemptStarted' && event.legs.some((leg) => leg.legId === legId) ? [event] : [],
  );

/** Whether a leg that had come back by this attempt was lost again with its node, nobody else having taken it over. */
const isRetaken = (events: readonly RecoveryEvent[], channelId: string): boolean =>
  events.some(
    (event) => event.type === 'TargetDied' && event.retaken?.some((leg) => leg.channelId === channelId),
  );

/** Whether what the dead node said of the leg, if anything, leaves open what it sent. */
const mayBeOpen = (refusal: RecoveryEvent | undefined): boolean =>
  refusal === undefined || (refusal.type === 'LegRefused' && refusal.reason === 'target-lost');

describe('whatever an ari-worker says, in whatever order', () => {
  const anyStory = fc
    .tuple(fc.boolean(), fc.array(anyCommand, { maxLength: 40 }))
    .map(([placed, commands]) => {
      const plan = planning();
      return [placed ? plan : { ...plan, target: null }, ...commands] as readonly RecoveryCommand[];
    });

  it('a recovery has at most one outcome, and exactly one once its last attempt has timed out', () => {
    fc.assert(
      fc.property(anyStory, (commands) => {
        expect(count(run(commands), 'RecoveryCompleted')).toBeLessThanOrEqual(1);
        const deadlines = Array.from({ length: ATTEMPTS * 2 }, (_, round) =>
          Array.from({ length: ATTEMPTS }, (__, n): RecoveryCommand[] => {
            const [attempt, at] = [n + 1, 40_000 + round * 10_000];
            return [
              { type: 'TimeOutAttempt', attempt, at },
              { type: 'StartAttempt', attempt, candidates: [], at },
            ];
          }).flat(),
        ).flat();
        expect(count(run([...commands, ...deadlines]), 'RecoveryCompleted')).toBe(1);
      }),
    );
  });

  it('a leg is tried again only where the attempt before has ended and left its dialog as it was', () => {
    fc.assert(
      fc.property(anyStory, (commands) => {
        const events = run(commands);
        events.forEach((event, position) => {
          if (event.type !== 'AttemptStarted' || event.attempt === 1) return;
          const before = events.slice(0, position);
          for (const { legId } of event.legs) {
            const last = attemptsOf(before, legId).at(-1);
            const said = before.filter(
              (past) =>
                'channelId' in past &&
                'legId' in past &&
                past.legId === legId &&
                past.attempt === last?.attempt,
            );
            const death = before.find(
              (past) => past.type === 'TargetDied' && past.attempt === event.attempt - 1,
            );
            const channelId = last?.legs.find((leg) => leg.legId === legId)?.channelId ?? '';
            if (!isRetaken(before, channelId))
              expect(said.map((past) => past.type)).not.toContain('LegAnswered');
            expect(death === undefined || (death.type === 'TargetDied' && death.takenOver.length === 0)).toBe(
              true,
            );
            const refusal = said.find((past) => past.type === 'LegRefused');
            const untouched =
              refusal?.type === 'LegRefused' &&
              (refusal.sent
                ? MENDABLE.includes(refusal.reason.toUpperCase().replaceAll('-', '_'))
                : refusal.reason === 'offer-unsupported' ||
                  !said.some((past) => past.type === 'LegOriginated'));
            expect(untouched || (death !== undefined && mayBeOpen(refusal))).toBe(true);
          }
        });
      }),
    );
  });

  it('a leg has a higher CSeq and another channel in each attempt, and there are nine at most', () => {
    fc.assert(
      fc.property(anyStory, (commands) => {
        const { effects } = advance(newRecovery(), run(commands));
        const sent = effects.flatMap((effect) => (effect.type === 'sendRestoreCall' ? [effect.command] : []));
        expect(sent.length).toBeLessThanOrEqual(ATTEMPTS);
        for (let n = 0; n < LEGS; n += 1) {
          const legs = sent.flatMap((one) => one.legs.filter((leg) => leg.legId === `leg-${n}`));
          const cseqs = legs.map((leg) => Number(leg.variables['PJSIP_RECOVERY_CSEQ']));
          expect(cseqs).toEqual([...new Set(cseqs)].sort((one, other) => one - other));
          expect(new Set(legs.map((leg) => leg.channelId)).size).toBe(legs.length);
        }
      }),
    );
  });

  it('legs that have come back are on one node: where one has, no other leg is tried elsewhere', () => {
    fc.assert(
      fc.property(anyStory, (commands) => {
        const events = run(commands);
        const isKept = (event: RecoveryEvent): boolean =>
          event.type === 'LegAnswered' && !isRetaken(events, event.channelId);
        const answered = events.flatMap((event) =>
          event.type === 'LegAnswered' && isKept(event) ? [event] : [],
        );
        expect(new Set(answered.map((event) => event.target)).size).toBeLessThanOrEqual(1);
        events.forEach((event, position) => {
          if (event.type !== 'AttemptStarted') return;
          const back = events.slice(0, position).find(isKept);
          if (back?.type === 'LegAnswered') expect(event.target).toBe(back.target);
        });
      }),
    );
  });

  it('the machine is in the phase that its events fold to, and asks once for each attempt to be sent', () => {
    fc.assert(
      fc.property(anyStory, (commands) => {
        const events = run(commands);
        const { snapshot, effects } = advance(newRecovery(), events);
        const folded = events.reduce(evolve, unplanned);
        expect(snapshot.context.recovery).toEqual(folded);
        expect(snapshot.value).toBe(folded.phase);
        expect(effects.filter((effect) => effect.type === 'sendRestoreCall')).toHaveLength(
          count(events, 'AttemptStarted'),
        );
        expect(effects.filter((effect) => effect.type === 'clearDeadlines')).toHaveLength(
          count(events, 'RecoveryCompleted'),
        );
      }),
    );
  });

  it('saying everything twice changes nothing', () => {
    fc.assert(
      fc.property(anyStory, (commands) => {
        expect(run(commands.flatMap((command) => [command, command]))).toEqual(run(commands));
      }),
    );
  });
});

describe('what one worker truly saw', () => {
  /** How each leg went; a worker never contradicts itself. */
  const anyLeg = fc.constantFrom('answered', 'rejected', 'silent');
  const truth = fc.tuple(fc.array(anyLeg, { minLength: LEGS, maxLength: LEGS }), fc.boolean());

  it('gives the same outcome in every order and with every repetition', () => {
    fc.assert(
      fc.property(
        truth.chain(([legs, joined]) => {
          const facts = factsOf(1, 'ast2');
          const said = legs.flatMap((leg, n) => [
            facts.originated(n),
            ...(leg === 'silent' ? [] : leg === 'answered' ? [facts.answered(n)] : [facts.refused(n, true)]),
          ]);
          if (legs.every((leg) => leg === 'answered'))
            said.push(joined ? facts.joined() : facts.joinFailed());
          return fc.tuple(
            fc.constant(said),
            fc.shuffledSubarray([...said, ...said], { minLength: said.length * 2 }),
          );
        }),
        ([inOrder, shuffled]) => {
          const end: RecoveryCommand = { type: 'TimeOutAttempt', attempt: 1, at: 50_000 };
          const ending = (said: readonly RestoreFact[]) =>
            run([planRecovery(LEGS), ...said.map((fact) => record(fact)), end]).filter(
              (event) => event.type === 'RecoveryCompleted',
            );
          const [one, other] = [ending(inOrder), ending(shuffled)];
          expect(other.map((event) => event.outcome)).toEqual(one.map((event) => event.outcome));
        },
      ),
    );
  });
});
