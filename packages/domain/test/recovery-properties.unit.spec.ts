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
import { factsOf, planRecovery, record } from './support/recoveries.js';

const LEGS = 3;
const targets = ['ast2', 'ast3'];

/** Any fact at all, of any leg and attempt, in an order that makes no sense. */
const anyFact = fc
  .record({
    attempt: fc.integer({ min: 1, max: 3 }),
    leg: fc.integer({ min: 0, max: LEGS }),
    sent: fc.boolean(),
    kind: fc.nat(5),
  })
  .map(({ attempt, leg, sent, kind }): RestoreFact => {
    const facts = factsOf(attempt, targets[attempt - 1] ?? 'ast4');
    const all = [
      facts.originated(leg),
      facts.answered(leg),
      facts.refused(leg, sent),
      facts.joined(),
      facts.joinFailed(),
      facts.answered(leg),
    ];
    return all[kind] ?? facts.joined();
  });

const anyCommand: fc.Arbitrary<RecoveryCommand> = fc.oneof(
  { weight: 8, arbitrary: anyFact.map((fact) => record(fact)) },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1, max: 3 })
      .map((attempt): RecoveryCommand => ({ type: 'TimeOutAttempt', attempt, at: 40_000 })),
  },
  { weight: 1, arbitrary: fc.constant<RecoveryCommand>(planRecovery(LEGS)) },
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

describe('whatever an ari-worker says, in whatever order', () => {
  const anyStory = fc
    .array(anyCommand, { maxLength: 40 })
    .map((commands) => [planRecovery(LEGS), ...commands]);

  it('a recovery has at most one outcome, and exactly one once its last attempt has timed out', () => {
    fc.assert(
      fc.property(anyStory, (commands) => {
        expect(count(run(commands), 'RecoveryCompleted')).toBeLessThanOrEqual(1);
        const timeouts = [1, 2, 3].map((attempt): RecoveryCommand => ({
          type: 'TimeOutAttempt',
          attempt,
          at: 99_000,
        }));
        expect(count(run([...commands, ...timeouts]), 'RecoveryCompleted')).toBe(1);
      }),
    );
  });

  it('a leg is tried again only when it was refused unsent and never originated in the attempt before', () => {
    fc.assert(
      fc.property(anyStory, (commands) => {
        const events = run(commands);
        events.forEach((event, position) => {
          if (event.type !== 'AttemptStarted' || event.attempt === 1) return;
          const before = events.slice(0, position);
          for (const { legId } of event.legs) {
            const said = before.filter(
              (past) => 'legId' in past && past.legId === legId && past.attempt === event.attempt - 1,
            );
            expect(said.map((past) => past.type)).toEqual(['LegRefused']);
            expect(said[0]).toMatchObject({ sent: false });
          }
        });
      }),
    );
  });

  it('all legs that may have been sent are on one node', () => {
    fc.assert(
      fc.property(anyStory, (commands) => {
        const sent = run(commands).filter(
          (event) =>
            event.type === 'LegOriginated' ||
            event.type === 'LegAnswered' ||
            (event.type === 'LegRefused' && event.sent),
        );
        expect(
          new Set(sent.map((event) => ('target' in event ? event.target : ''))).size,
        ).toBeLessThanOrEqual(1);
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
