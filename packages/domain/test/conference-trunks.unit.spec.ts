import { describe, expect, it } from 'vitest';
import {
  decide,
  evolve,
  restoreCallOf,
  unplanned,
  type PlanRecovery,
  type RecoveryState,
} from '../src/index.js';
import { participants, place, plansOf } from './support/conferences.js';
import { candidate, factsOf, planRecovery, plannedLeg, record } from './support/recoveries.js';
import { ariBridge, stasisLeg } from './support/records.js';

describe('a leg that led to another part of the conference', () => {
  const conference = {
    key: 'ari-bridge:bridge-1',
    trunks: [{ legId: 'leg-1', peer: { ...place('ast2'), channelId: 'far-end' } }],
    others: [{ ...place('ast2'), channelIds: ['bob'] }],
  };
  const stateOf = (command: PlanRecovery): RecoveryState =>
    decide(command, unplanned).reduce(evolve, unplanned);

  it('is not brought back to where that part is: its other end is hung up', () => {
    const state = stateOf(planRecovery(2, { conference, target: candidate('ast2') }));
    if (state.phase !== 'restoring') throw new Error(state.phase);
    const command = restoreCallOf(state);
    expect(command.legs.map(({ legId }) => legId)).toEqual(['leg-0']);
    expect(command.hangUp).toEqual(['far-end']);
    const facts = factsOf(1, 'ast2');
    const done = [facts.answered(0), facts.joined()].flatMap((fact) => decide(record(fact), state));
    expect(done.some(({ type }) => type === 'LegAnswered')).toBe(true);
    const after = [facts.answered(0), facts.joined()].reduce<RecoveryState>(
      (before, fact) => decide(record(fact), before).reduce(evolve, before),
      state,
    );
    expect(after).toMatchObject({ phase: 'completed', outcome: 'recovered', reason: null });
  });

  it('comes back as any other to another node', () => {
    const state = stateOf(planRecovery(2, { conference, target: candidate('ast3') }));
    if (state.phase !== 'restoring') throw new Error(state.phase);
    const command = restoreCallOf(state);
    expect(command.legs.map(({ legId }) => legId)).toEqual(['leg-0', 'leg-1']);
    expect(command.hangUp).toBeUndefined();
  });

  it('is not waited for when the next attempt goes to where it led', () => {
    const command = planRecovery(2, { conference, target: candidate('ast3') });
    const before = stateOf(command);
    const died = decide(
      {
        type: 'TargetDied',
        nodeId: 'ast3',
        incarnation: 'life-of-ast3',
        takenOver: new Set(),
        ended: new Set(),
        candidates: [candidate('ast2')],
        at: 11_000,
      },
      before,
    );
    const next = died.reduce(evolve, before);
    if (next.phase !== 'restoring') throw new Error(next.phase);
    expect(next.attempt).toMatchObject({ attempt: 2, target: 'ast2' });
    expect(restoreCallOf(next)).toMatchObject({ hangUp: ['far-end'], legs: [{ legId: 'leg-0' }] });
    const facts = factsOf(2, 'ast2');
    const after = [facts.answered(0), facts.joined()].reduce<RecoveryState>(
      (state, fact) => decide(record(fact), state).reduce(evolve, state),
      next,
    );
    expect(after).toMatchObject({ phase: 'completed', outcome: 'recovered' });
  });

  it('comes back after all where the next attempt goes elsewhere', () => {
    const before = stateOf(planRecovery(2, { conference, target: candidate('ast2') }));
    const events = decide(
      {
        type: 'TargetDied',
        nodeId: 'ast2',
        incarnation: 'life-of-ast2',
        takenOver: new Set(),
        ended: new Set(),
        candidates: [candidate('ast3')],
        at: 11_000,
      },
      before,
    );
    const next = events.reduce(evolve, before);
    if (next.phase !== 'restoring') throw new Error(next.phase);
    const command = restoreCallOf(next);
    expect(command.legs.map(({ legId }) => legId)).toEqual(['leg-0', 'leg-1']);
    expect(command.hangUp).toBeUndefined();
  });

  it('and where it was all that was there, the call is over, and its other end is hung up all the same', () => {
    const events = decide(
      planRecovery(1, {
        conference: { ...conference, trunks: [{ ...conference.trunks[0]!, legId: 'leg-0' }] },
        legs: [plannedLeg('leg-0')],
        target: candidate('ast2'),
      }),
      unplanned,
    );
    expect(events.map(({ type }) => type)).toEqual([
      'RecoveryPlanned',
      'AttemptStarted',
      'RecoveryCompleted',
    ]);
    expect(events.at(-1)).toMatchObject({ outcome: 'skipped', reason: 'conference-rejoined' });
    const state = events.slice(0, 2).reduce(evolve, unplanned);
    if (state.phase !== 'restoring') throw new Error(state.phase);
    expect(restoreCallOf(state)).toMatchObject({ legs: [], hangUp: ['far-end'] });
  });

  it('is found by the SIP Call-ID that both ends have', () => {
    const legs = [stasisLeg('a'), stasisLeg('t', { sipCallId: 'trunk' })];
    const [plan] = plansOf(legs, [ariBridge('conf', ['a', 't'])], {
      'ari-bridge:conf': {
        parts: [
          {
            ...place('ast2'),
            participants: [...participants('bob'), { channelId: 'far-end', sipCallId: 'trunk' }],
          },
        ],
        home: null,
      },
    });
    expect(plan?.conference).toEqual({
      key: 'ari-bridge:conf',
      trunks: [{ legId: 't', peer: { ...place('ast2'), channelId: 'far-end' } }],
      others: [{ ...place('ast2'), channelIds: ['bob'] }],
    });
  });
});
