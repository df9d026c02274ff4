import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  conferenceKey,
  decide,
  deriveCalls,
  evolve,
  homeOf,
  planRecoveries,
  restoreCallOf,
  unplanned,
  type BridgeRecord,
  type ConferenceStanding,
  type LegRecord,
  type PlanInput,
  type PlanRecovery,
  type RecoveryState,
} from '../src/index.js';
import { policy } from './support/policies.js';
import { candidate, factsOf, limits, planRecovery, plannedLeg, record } from './support/recoveries.js';
import { ariBridge, bridgeRecord, dialogView, legRecord, stasisLeg } from './support/records.js';

const place = (nodeId: string) => ({ nodeId, incarnation: `life-of-${nodeId}` });
const participants = (...channelIds: string[]) =>
  channelIds.map((channelId) => ({ channelId, sipCallId: `${channelId}@phone` }));

/** The plans of ast1's death. */
function plansOf(
  legs: readonly LegRecord[],
  bridges: readonly BridgeRecord[],
  conferences: Readonly<Record<string, ConferenceStanding>>,
  change: Partial<PlanInput> = {},
): PlanRecovery[] {
  const calls = deriveCalls({ nodeId: 'ast1', incarnation: '1', legs, bridges }, new Map());
  return planRecoveries({
    calls,
    dialogs: new Map(legs.map((leg) => [leg.sipCallId, [dialogView()]])),
    candidates: [candidate('ast2', 0), candidate('ast3', 50)],
    trigger: { kind: 'node-down', evidence: 'process-gone', at: 9_990 },
    limits,
    policy: policy(),
    ledgerHeard: true,
    past: [],
    at: 10_000,
    conferences: new Map(Object.entries(conferences)),
    ...change,
  });
}

describe('what a conference is', () => {
  it('an ARI bridge by its id, a ConfBridge by its name, and not the pair of a Dial', () => {
    const of = (legs: LegRecord[], bridge: BridgeRecord) =>
      deriveCalls({ nodeId: 'ast1', incarnation: '1', legs, bridges: [bridge] }, new Map())[0]?.conference;
    expect(of([stasisLeg('a')], ariBridge('b1', ['a']))).toEqual({ kind: 'ari-bridge', name: 'b1' });
    const conf = { bridgeClass: 'base', creator: 'ConfBridge', name: '4711' };
    expect(of([legRecord('a')], bridgeRecord('x', ['a'], conf))).toEqual({
      kind: 'confbridge',
      name: '4711',
    });
    expect(of([legRecord('a')], bridgeRecord('x', ['a']))).toBeUndefined();
  });

  it('also for a leg that is not in its ConfBridge yet', () => {
    const dialplan = {
      context: 'c',
      extension: '1',
      priority: 1,
      appName: 'ConfBridge',
      appData: '4711,team',
    };
    const [call] = deriveCalls(
      { nodeId: 'ast1', incarnation: '1', legs: [legRecord('a', { dialplan })], bridges: [] },
      new Map(),
    );
    expect(call?.conference).toEqual({ kind: 'confbridge', name: '4711' });
  });
});

describe('where a conference is joined again', () => {
  const fit = [candidate('ast2'), candidate('ast3')];

  it('where it is being brought to, else where most of it lives, else where it was brought to long ago', () => {
    const parts = [
      { ...place('ast2'), participants: participants('x') },
      { ...place('ast3'), participants: participants('y', 'z') },
    ];
    const home = (fresh: boolean) => ({ ...place('ast2'), fresh });
    expect(homeOf({ parts, home: home(true) }, fit)).toEqual(place('ast2'));
    expect(homeOf({ parts, home: home(false) }, fit)).toEqual(place('ast3'));
    expect(homeOf({ parts, home: null }, fit)).toEqual(place('ast3'));
    expect(homeOf({ parts: [], home: home(false) }, fit)).toEqual(place('ast2'));
    expect(homeOf({ parts: [], home: null }, fit)).toBeNull();
  });

  it('never on a node that may not take calls, nor on another life of it', () => {
    const life = fc.record({
      nodeId: fc.constantFrom('a', 'b', 'c'),
      incarnation: fc.constantFrom('1', '2'),
    });
    const standing = fc.record({
      parts: fc.array(
        life.chain((one) =>
          fc.nat(3).map((n) => ({ ...one, participants: participants(...'xyz'.slice(n)) })),
        ),
      ),
      home: fc.option(life.chain((one) => fc.boolean().map((fresh) => ({ ...one, fresh })))),
    });
    fc.assert(
      fc.property(standing, fc.array(life), (known, able) => {
        const home = homeOf(known, able);
        const isAble = (one: { nodeId: string; incarnation: string }): boolean =>
          able.some((two) => two.nodeId === one.nodeId && two.incarnation === one.incarnation);
        if (home !== null) expect(isAble(home)).toBe(true);
        else expect(known.parts.filter((part) => part.participants.length > 0 && isAble(part))).toEqual([]);
      }),
    );
  });

  it('goes where it lives, also where another node has less to do', () => {
    const [plan] = plansOf([stasisLeg('a')], [ariBridge('conf', ['a'])], {
      'ari-bridge:conf': { parts: [{ ...place('ast3'), participants: participants('y') }], home: null },
    });
    expect(plan?.target).toMatchObject(place('ast3'));
    expect(plan?.conference).toEqual({
      key: 'ari-bridge:conf',
      trunks: [],
      others: [{ ...place('ast3'), channelIds: ['y'] }],
    });
  });

  it('together, though its legs were two calls', () => {
    const dialplan = { context: 'c', extension: '1', priority: 1, appName: 'ConfBridge', appData: '4711' };
    const many = Array.from({ length: 6 }, (_, n) => legRecord(`leg-${n}`, { dialplan }));
    const plans = plansOf(many, [], {});
    expect(plans).toHaveLength(6);
    expect(new Set(plans.map(({ target }) => target?.nodeId)).size).toBe(1);
    expect(plans.every(({ conference }) => conference?.key === 'confbridge:4711')).toBe(true);
  });

  it('while a bridge of one node alone is nothing that others have to know of', () => {
    const [plan] = plansOf([stasisLeg('a')], [ariBridge('conf', ['a'])], {});
    expect(plan?.conference).toBeUndefined();
    expect(conferenceKey({ kind: 'ari-bridge', name: 'conf' })).toBe('ari-bridge:conf');
  });

  it('for all of it the same, whoever plans it, as long as they know the same', () => {
    const name = fc.constantFrom('one', 'two', 'three');
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 8 }), fc.nat(9), (names, load) => {
        const legs = names.map((conf, n) =>
          legRecord(`leg-${n}`, {
            dialplan: { context: 'c', extension: '1', priority: 1, appName: 'ConfBridge', appData: conf },
          }),
        );
        const candidates = [candidate('ast2', load), candidate('ast3', 4), candidate('ast4', 5)];
        const targets = new Map<string, Set<string | undefined>>();
        for (const { conference, target, call } of plansOf(legs, [], {}, { candidates })) {
          const key = conference?.key ?? call.callId;
          targets.set(key, (targets.get(key) ?? new Set()).add(target?.nodeId));
        }
        expect([...targets.values()].every((nodes) => nodes.size === 1)).toBe(true);
      }),
    );
  });
});

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
