import { describe, expect, it } from 'vitest';
import {
  advance,
  decide,
  evolve,
  newRecovery,
  restoreFact,
  unplanned,
  workerCommand,
  type BereftTreatment,
  type PlanRecovery,
  type RecoveryEvent,
  type RecoveryState,
  type RestoreFact,
} from '../src/index.js';
import { candidate, factsOf, planRecovery, plannedLeg, record } from './support/recoveries.js';

const END: BereftTreatment = { do: 'end', cause: 16 };
const HOLD: BereftTreatment = { do: 'hold', musicOnHold: 'waiting', forMs: 30_000 };
const facts = factsOf(1, 'ast2');

/** All that happens, and where it leads. */
function play(
  command: PlanRecovery,
  told: readonly RestoreFact[],
): { readonly events: RecoveryEvent[]; readonly state: RecoveryState } {
  const events = decide(command, unplanned);
  let state = events.reduce(evolve, unplanned);
  for (const fact of told) {
    const more = decide(record(fact, []), state);
    events.push(...more);
    state = more.reduce(evolve, state);
  }
  return { events, state };
}
const bereftIn = (events: readonly RecoveryEvent[]) => events.find(({ type }) => type === 'LegsBereft');

describe('who is left of a pair when the other cannot return', () => {
  const oneLost = [facts.answered(0), facts.refused(1, true, 'DIALOG_GONE')];

  it('is seen to as the policy says, after the outcome', () => {
    const { events, state } = play(planRecovery(2, { bereft: END }), oneLost);
    expect(events.slice(-2)).toMatchObject([
      { type: 'RecoveryCompleted', outcome: 'partly-recovered', reason: 'dialog-gone' },
      {
        type: 'LegsBereft',
        target: 'ast2',
        channelId: facts.channelOf(0),
        bridgeId: 'bridge-1',
        treatment: END,
      },
    ]);
    expect(state.phase).toBe('completed');
    const { effects } = advance(newRecovery(), events);
    expect(effects.at(-1)).toMatchObject({
      type: 'sendTendBereft',
      command: { channelId: facts.channelOf(0), treatment: END, bridgeId: 'bridge-1' },
    });
  });

  it('is left alone where nothing is said of it', () => {
    expect(bereftIn(play(planRecovery(2), oneLost).events)).toBeUndefined();
  });

  it('is nobody where both came back, or neither did', () => {
    const both = [facts.answered(0), facts.answered(1), facts.joined()];
    expect(bereftIn(play(planRecovery(2, { bereft: END }), both).events)).toBeUndefined();
    const none = [facts.refused(0, true, 'DIALOG_GONE'), facts.refused(1, true, 'DIALOG_GONE')];
    expect(bereftIn(play(planRecovery(2, { bereft: END }), none).events)).toBeUndefined();
  });

  it('is nobody of three of whom two are back', () => {
    const told = [facts.answered(0), facts.answered(1), facts.refused(2, true, 'DIALOG_GONE')];
    expect(bereftIn(play(planRecovery(3, { bereft: END }), told).events)).toBeUndefined();
  });

  it('is bereft also of one who was not even tried', () => {
    const skipped = [{ legId: 'x', sipCallId: 'x', endpoint: 'edge', reason: 'dialog-unknown' }];
    const command = planRecovery(2, { bereft: END, skipped, legs: [plannedLeg('leg-0')] });
    expect(bereftIn(play(command, [facts.answered(0), facts.joined()]).events)).toMatchObject({
      channelId: facts.channelOf(0),
    });
    const announcer = [{ legId: 'x', sipCallId: '', endpoint: '', reason: 'leg-not-pjsip' }];
    const alone = planRecovery(2, { bereft: END, skipped: announcer, legs: [plannedLeg('leg-0')] });
    expect(bereftIn(play(alone, [facts.answered(0), facts.joined()]).events)).toBeUndefined();
  });

  it('is not thought of where a leg was never joined to another', () => {
    const skipped = [{ legId: 'x', sipCallId: 'x', endpoint: 'edge', reason: 'dialog-early' }];
    const command = planRecovery(1, { bereft: END, skipped });
    expect(bereftIn(play(command, [facts.answered(0)]).events)).toBeUndefined();
  });

  it('may be on the node where their conference was to be joined', () => {
    const conference = {
      key: 'ari-bridge:bridge-1',
      trunks: [],
      others: [{ nodeId: 'ast2', incarnation: 'life-of-ast2', channelIds: ['bob'] }],
    };
    const told = [facts.refused(0, true, 'DIALOG_GONE')];
    const command = planRecovery(2, { bereft: END, conference, legs: [plannedLeg('leg-0')] });
    expect(bereftIn(play(command, told).events)).toMatchObject({ channelId: 'bob', target: 'ast2' });
    const there = [facts.answered(0), facts.joined()];
    expect(bereftIn(play(command, there).events)).toBeUndefined();
    const elsewhere = play({ ...command, target: candidate('ast3') }, told);
    expect(bereftIn(elsewhere.events)).toBeUndefined();
  });

  it('is hung up when it was held for long enough, and once only', () => {
    const { events, state } = play(planRecovery(2, { bereft: HOLD }), oneLost);
    const until = 10_100 + 30_000;
    expect(bereftIn(events)).toMatchObject({ until });
    const { effects } = advance(newRecovery(), events);
    expect(effects.slice(-2)).toMatchObject([
      { type: 'sendTendBereft', command: { treatment: HOLD } },
      { type: 'setDeadline', kind: 'bereft', dueAt: until },
    ]);
    expect(decide({ type: 'EndBereftHold', at: until - 1 }, state)).toEqual([]);
    const over = decide({ type: 'EndBereftHold', at: until }, state);
    expect(over).toMatchObject([{ type: 'BereftHoldOver' }]);
    const after = advance(newRecovery(), [...events, ...over]);
    expect(after.effects.at(-1)).toMatchObject({
      type: 'sendTendBereft',
      command: { treatment: { do: 'end' } },
    });
    const commands = after.effects.flatMap((effect) =>
      effect.type === 'sendTendBereft' ? [effect.command.commandId] : [],
    );
    expect(new Set(commands).size).toBe(2);
    expect(decide({ type: 'EndBereftHold', at: until + 1 }, over.reduce(evolve, state))).toEqual([]);
  });

  it('lets the end of its hold stop the music, where nobody has told that it has ended', () => {
    const { events, state } = play(planRecovery(2, { bereft: HOLD }), oneLost);
    const { recoveryId, call } = planRecovery(2);
    const tended = (result: 'done' | 'not-alone', at: number): RestoreFact => ({
      type: 'BereftTended',
      commandId: 'c',
      recoveryId,
      callId: call.callId,
      attempt: 1,
      target: 'ast2',
      at,
      channelId: facts.channelOf(0),
      treatment: 'hold',
      result,
    });
    const endAfter = (told: readonly RestoreFact[]) => {
      const more = told.flatMap((fact) => decide(record(fact), state));
      const over = decide({ type: 'EndBereftHold', at: 40_100 }, [...more].reduce(evolve, state));
      const { effects } = advance(newRecovery(), [...events, ...more, ...over]);
      const last = effects.at(-1);
      return last?.type === 'sendTendBereft' ? workerCommand.parse(last.command) : undefined;
    };
    expect(endAfter([])).toMatchObject({ treatment: { do: 'end' }, endsHold: true });
    expect(endAfter([tended('done', 12_000)])).toMatchObject({ endsHold: true });
    const ended = endAfter([tended('done', 12_000), tended('not-alone', 13_000)]);
    expect(ended).toMatchObject({ treatment: { do: 'end' } });
    expect(ended).not.toHaveProperty('endsHold');
  });

  it('and what came of it stands in the audit', () => {
    const { state } = play(planRecovery(2, { bereft: END }), oneLost);
    const { recoveryId, call } = planRecovery(2);
    const fact = restoreFact.parse({
      type: 'BereftTended',
      commandId: 'c',
      recoveryId,
      callId: call.callId,
      attempt: 1,
      target: 'ast2',
      at: 12_000,
      channelId: facts.channelOf(0),
      treatment: 'end',
      result: 'not-alone',
    });
    expect(decide(record(fact), state)).toMatchObject([{ type: 'BereftTended', result: 'not-alone' }]);
    expect(decide(record({ ...fact, channelId: 'x' } as RestoreFact), state)).toEqual([]);
  });

  it('in the dialplan is ended by us, and all else is the dialplan’s', () => {
    const join = { kind: 'dialplan' } as const;
    const dial = (bereft: BereftTreatment): PlanRecovery => {
      const command = planRecovery(2, { bereft });
      return { ...command, call: { ...command.call, kind: 'dial', join } };
    };
    const sent = (bereft: BereftTreatment) =>
      advance(newRecovery(), play(dial(bereft), oneLost).events).effects.filter(
        ({ type }) => type === 'sendTendBereft',
      );
    expect(sent(END)).toMatchObject([{ command: { bridgeId: null } }]);
    expect(sent(HOLD)).toEqual([]);
    expect(bereftIn(play(dial(HOLD), oneLost).events)).toBeUndefined();
  });
});
