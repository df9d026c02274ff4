import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  conferenceKey,
  decide,
  deriveCalls,
  evolve,
  homeOf,
  unplanned,
  type BridgeRecord,
  type Candidate,
  type LegRecord,
} from '../src/index.js';
import { participants, place, plansOf } from './support/conferences.js';
import { candidate, limits } from './support/recoveries.js';
import { ariBridge, bridgeRecord, legRecord, stasisLeg } from './support/records.js';

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

  const held = { restraint: { kind: 'ask', until: 60_000 } } as const;
  const farther = {
    'ari-bridge:conf': { parts: [{ ...place('ast3'), participants: participants('y') }], home: null },
  };

  it('goes where it lives when an operator lets it go, too', () => {
    const [plan] = plansOf([stasisLeg('a')], [ariBridge('conf', ['a'])], farther, held);
    if (plan === undefined) throw new Error('no plan');
    const before = decide(plan, unplanned).reduce(evolve, unplanned);
    const release = (...candidates: Candidate[]) =>
      decide({ type: 'ReleaseHold', requestedBy: 'alice', reason: 'test', candidates, at: 20_000 }, before);
    expect(release(candidate('ast2', 0), candidate('ast3', 50))[1]).toMatchObject({ target: 'ast3' });
    expect(release(candidate('ast2', 0), candidate('ast4', 50))[1]).toMatchObject({ target: 'ast2' });
  });

  it('goes where it lives when a node is found that may take it, and when one has died over it', () => {
    const limited = { limits: { ...limits, targetWaitMs: 5_000 } };
    const [plan] = plansOf([stasisLeg('a')], [ariBridge('conf', ['a'])], farther, {
      ...limited,
      candidates: [],
    });
    if (plan === undefined) throw new Error('no plan');
    const waits = decide(plan, unplanned).reduce(evolve, unplanned);
    if (waits.phase !== 'awaiting') throw new Error(waits.phase);
    const start = (...candidates: Candidate[]) =>
      decide({ type: 'StartAttempt', attempt: 1, candidates, at: waits.waiting.dueAt }, waits);
    expect(start(candidate('ast2', 0), candidate('ast3', 50))).toMatchObject([{ target: 'ast3' }]);
    const begun = start(candidate('ast4')).reduce(evolve, waits);
    const died = decide(
      {
        type: 'TargetDied',
        ...place('ast4'),
        takenOver: new Set(),
        ended: new Set(),
        candidates: [candidate('ast2', 0), candidate('ast3', 50)],
        at: 12_000,
      },
      begun,
    );
    expect(died).toMatchObject([{ type: 'TargetDied' }, { type: 'AttemptStarted', target: 'ast3' }]);
  });

  it('together, though its legs were two calls', () => {
    const dialplan = { context: 'c', extension: '1', priority: 1, appName: 'ConfBridge', appData: '4711' };
    const many = Array.from({ length: 6 }, (_, n) => legRecord(`leg-${n}`, { dialplan }));
    const plans = plansOf(many, [], {});
    expect(plans).toHaveLength(6);
    expect(new Set(plans.map(({ target }) => target?.nodeId)).size).toBe(1);
    expect(plans.every(({ conference }) => conference?.key === 'confbridge:4711')).toBe(true);
  });

  it('together with those whose records are still to come', () => {
    const [plan] = plansOf([stasisLeg('a')], [ariBridge('conf', ['a'])], {}, { recordsComplete: false });
    expect(plan?.conference).toEqual({ key: 'ari-bridge:conf', trunks: [], others: [] });
  });

  it('also where it waits: others may come to it elsewhere meanwhile', () => {
    const waiting = { key: 'ari-bridge:conf', trunks: [], others: [] };
    const restraint = { kind: 'ask', until: 99_000 } as const;
    const [held] = plansOf([stasisLeg('a')], [ariBridge('conf', ['a'])], {}, { restraint });
    expect(held).toMatchObject({ hold: { reason: 'mass-failure' }, conference: waiting });
    const [nowhere] = plansOf([stasisLeg('a')], [ariBridge('conf', ['a'])], {}, { candidates: [] });
    expect(nowhere).toMatchObject({ target: null, conference: waiting });
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
