import { describe, expect, it } from 'vitest';
import { deriveCalls, type BridgeRecord, type LegRecord, type RestoredLeg } from '../src/index.js';
import {
  ariBridge,
  bridgeRecord,
  callerInDial,
  dialledLeg,
  legRecord,
  stasisLeg,
} from './support/records.js';

function derive(legs: LegRecord[], bridges: BridgeRecord[] = [], memory: Record<string, RestoredLeg> = {}) {
  return deriveCalls({ nodeId: 'ast1', incarnation: '1000', legs, bridges }, new Map(Object.entries(memory)));
}

function shape(calls: ReturnType<typeof derive>) {
  return calls.map((call) => ({
    callId: call.callId,
    join: call.join.kind,
    legs: call.legs.map((leg) => `${leg.legId}:${leg.place.kind}`),
  }));
}

describe('calls of a node', () => {
  it('a leg in an ARI application is a call, named by its Call-ID', () => {
    expect(shape(derive([stasisLeg('a')]))).toEqual([
      { callId: 'a@phone', join: 'none', legs: ['a:stasis'] },
    ]);
  });

  it('a call does not get the id of another one of its incarnation', () => {
    const legs = [stasisLeg('a')];
    const records = { nodeId: 'ast1', incarnation: '1000', legs, bridges: [] };
    const ids = (...others: string[]) =>
      deriveCalls(records, new Map(), new Set(others)).map(({ callId }) => callId);
    expect(ids('b@phone')).toEqual(['a@phone']);
    expect(ids('a@phone')).toEqual(['channel:a']);
  });

  it('the ARI application is read from the dialplan where the agent has not seen it take the channel', () => {
    const [call] = derive([stasisLeg('a', { stasisApp: null })]);
    expect(call?.legs[0]?.place).toEqual({ kind: 'stasis', app: 'demo' });
  });

  it('two legs in an ARI bridge are one call, named by the older leg, and keep the bridge', () => {
    const legs = [stasisLeg('young', { createdAt: 2_000 }), stasisLeg('old', { createdAt: 1_000 })];
    const [call, ...others] = derive(legs, [ariBridge('b1', ['young', 'old'])]);
    expect(others).toEqual([]);
    expect(call?.callId).toBe('old@phone');
    expect(call?.join).toEqual({ kind: 'ari-bridge', bridgeId: 'b1', bridgeType: 'mixing', name: 'name-b1' });
  });

  it('a call has the linkage of its oldest leg that has one', () => {
    const legs = [
      stasisLeg('third', { createdAt: 3_000, linkedId: 'own' }),
      stasisLeg('second', { createdAt: 2_000, linkedId: 'first' }),
      stasisLeg('untold', { createdAt: 1_000 }),
    ];
    const [call] = derive(legs, [ariBridge('b1', ['untold', 'second', 'third'])]);
    expect(call?.linkedId).toBe('first');
    expect(derive([stasisLeg('untold')])[0]).not.toHaveProperty('linkedId');
  });

  it('a conference is one call with all its legs', () => {
    const ids = ['a', 'b', 'c', 'd'];
    const calls = derive(
      ids.map((id) => stasisLeg(id)),
      [ariBridge('conference', ids)],
    );
    expect(calls.map((call) => call.legs.length)).toEqual([4]);
  });

  it('a pair of Dial: the caller remembers where Dial stood, the callee has no place of its own', () => {
    const calls = derive([callerInDial('a'), dialledLeg('b', 'a')], [bridgeRecord('x', ['a', 'b'])]);
    expect(shape(calls)).toEqual([
      { callId: 'a@phone', join: 'dialplan', legs: ['a:dial-caller', 'b:dial-callee'] },
    ]);
    expect(calls[0]?.legs[0]?.place).toEqual({
      kind: 'dial-caller',
      context: 'from-edge',
      extension: 'dial-1',
      priority: 3,
      continues: false,
    });
  });

  it.each([
    ['PJSIP/edge/sip:phone-1@edge,30,gT', true],
    ['PJSIP/edge/sip:phone-1@edge,30,L(60000:g)G(ctx^s^1)t', false],
    ['PJSIP/edge/sip:phone-1@edge,30,U(sub^a,b)g', true],
    ['PJSIP/edge/"x,y,g",30', false],
    ['PJSIP/edge/sip:phone-1@edge', false],
  ])('the dialplan goes on after Dial(%s): %s', (appData, continues) => {
    const [call] = derive(
      [callerInDial('a', appData), dialledLeg('b', 'a')],
      [bridgeRecord('x', ['a', 'b'])],
    );
    expect(call?.legs[0]?.place).toMatchObject({ kind: 'dial-caller', continues });
  });

  it('a caller whose callee still rings goes back to its Dial, and the ringing leg belongs to its call', () => {
    const calls = derive([callerInDial('a'), dialledLeg('b', 'a', { state: 'Ringing' })]);
    expect(shape(calls)).toEqual([{ callId: 'a@phone', join: 'none', legs: ['a:dialplan', 'b:nowhere'] }]);
  });

  it('a callee that answered a moment before the bridge was seen is joined to its caller', () => {
    const legs = [callerInDial('a'), dialledLeg('b', 'a'), dialledLeg('c', 'a', { state: 'Ringing' })];
    expect(shape(derive(legs))).toEqual([
      { callId: 'a@phone', join: 'dialplan', legs: ['a:dial-caller', 'b:dial-callee', 'c:dial-callee'] },
    ]);
  });

  it('a leg that an application dialled and took over is a call of its own until a bridge joins it', () => {
    const legs = [stasisLeg('a'), stasisLeg('b', { dialedBy: 'a' })];
    expect(derive(legs).map((call) => call.callId)).toEqual(['a@phone', 'b@phone']);
  });

  it('a dialled leg that was transferred into the dialplan is a call of its own', () => {
    const calls = derive([legRecord('b', { dialedBy: 'a' })]);
    expect(shape(calls)).toEqual([{ callId: 'b@phone', join: 'none', legs: ['b:dialplan'] }]);
  });

  it('a plain dialplan call goes on at its own application', () => {
    expect(derive([legRecord('a')])[0]?.legs[0]?.place).toEqual({
      kind: 'dialplan',
      context: 'from-edge',
      extension: 'echo',
      priority: 2,
    });
  });

  it('a channel in the bridge that is no PJSIP leg is named', () => {
    const [call] = derive([callerInDial('a')], [bridgeRecord('x', ['a', 'local-1'])]);
    expect(call?.strangers).toEqual(['local-1']);
    expect(call?.legs[0]?.place.kind).toBe('dial-caller');
  });

  it('more than two channels in a bridge of the dialplan cannot be joined again', () => {
    const [call] = derive(
      [legRecord('a'), legRecord('b'), legRecord('c')],
      [bridgeRecord('x', ['a', 'b', 'c'])],
    );
    expect(call?.legs.map((leg) => leg.place)).toEqual(
      Array.from({ length: 3 }, () => ({ kind: 'nowhere', reason: 'bridge-unsupported' })),
    );
  });

  it('of two bridges that show one channel the later observation counts', () => {
    const bridges = [
      ariBridge('new', ['a', 'b'], { at: 3_000 }),
      ariBridge('old', ['a', 'c'], { at: 2_000 }),
    ];
    const calls = derive([stasisLeg('a'), stasisLeg('b'), stasisLeg('c')], bridges);
    expect(calls.map((call) => call.legs.map((leg) => leg.legId))).toEqual([['a', 'b'], ['c']]);
  });

  it('legs that dialled each other in a circle still end in calls', () => {
    const calls = derive([
      dialledLeg('a', 'b', { state: 'Ringing' }),
      dialledLeg('b', 'a', { state: 'Ringing' }),
    ]);
    expect(calls.flatMap((call) => call.legs.map((leg) => leg.legId)).sort()).toEqual(['a', 'b']);
  });

  it('two calls never share an id, also where their Call-IDs are equal', () => {
    const calls = derive([
      stasisLeg('a', { sipCallId: 'same' }),
      stasisLeg('b', { sipCallId: 'same' }),
      stasisLeg('c', { sipCallId: '' }),
    ]);
    expect(calls.map((call) => call.callId)).toEqual(['same', 'channel:b', 'channel:c']);
  });
});

describe('calls that were recovered before', () => {
  const recovered = (channelId: string, change: Partial<LegRecord> = {}): LegRecord =>
    legRecord(channelId, {
      sipCallId: `sip-of-${channelId}`,
      dialplan: {
        context: 'reinvite-recovered',
        extension: 'dial-caller',
        priority: 3,
        appName: 'RecoveryBridge',
        appData: 'first@phone',
      },
      ...change,
    });
  const caller: RestoredLeg = {
    callId: 'first@phone',
    place: { kind: 'dial-caller', context: 'from-edge', extension: 'dial-1', priority: 3, continues: true },
  };
  const callee: RestoredLeg = { callId: 'first@phone', place: { kind: 'dial-callee' } };

  it('keep their id and the place that they had before the first crash', () => {
    const [call] = derive([recovered('r1'), recovered('r2')], [bridgeRecord('x', ['r1', 'r2'])], {
      r1: caller,
      r2: callee,
    });
    expect(call?.callId).toBe('first@phone');
    expect(call?.join.kind).toBe('dialplan');
    expect(call?.legs.map((leg) => leg.place)).toEqual([caller.place, callee.place]);
  });

  it('are one call also while their legs still wait for each other', () => {
    const calls = derive([recovered('r1'), recovered('r2')], [], { r1: caller, r2: callee });
    expect(shape(calls)).toEqual([
      { callId: 'first@phone', join: 'dialplan', legs: ['r1:dial-caller', 'r2:dial-callee'] },
    ]);
  });

  it('have gone on to another place once they have left our context', () => {
    const [call] = derive([legRecord('r1')], [], { r1: caller });
    expect(call?.callId).toBe('first@phone');
    expect(call?.legs[0]?.place).toMatchObject({ kind: 'dialplan', extension: 'echo' });
  });

  it('keep their place also while they are on their way into their application', () => {
    const dialplan = {
      context: 'default',
      extension: 's',
      priority: 1,
      appName: 'AppDial2',
      appData: '(Outgoing Line)',
    };
    const place = { kind: 'stasis', app: 'demo' } as const;
    const [call] = derive([legRecord('r1', { dialplan })], [], { r1: { callId: 'first@phone', place } });
    expect(call).toMatchObject({ callId: 'first@phone', kind: 'stasis', legs: [{ place }] });
  });

  describe('in an ARI bridge, and died again before they were joined', () => {
    const place = { kind: 'stasis', app: 'demo' } as const;
    const pendingJoin = { kind: 'ari-bridge', bridgeId: 'b1', bridgeType: 'mixing', name: 'pair' } as const;
    const memory = {
      r1: { callId: 'first@phone', place, pendingJoin },
      r2: { callId: 'first@phone', place, pendingJoin },
    };
    const legs = ['r1', 'r2'].map((id) => legRecord(id, { stasisApp: 'demo', sipCallId: `sip-of-${id}` }));
    const whole = [{ callId: 'first@phone', join: 'ari-bridge', legs: ['r1:stasis', 'r2:stasis'] }];

    it('are one call, to be joined again', () => {
      const calls = derive(legs, [], memory);
      expect(shape(calls)).toEqual(whole);
      expect(calls[0]?.join).toEqual(pendingJoin);
    });

    it('are one call where the bridge was there and nobody, or only one, was in it', () => {
      expect(shape(derive(legs, [ariBridge('b1', [])], memory))).toEqual(whole);
      expect(shape(derive(legs, [ariBridge('b1', ['r2'])], memory))).toEqual(whole);
    });

    it('are not joined again where the join had been confirmed and they have parted since', () => {
      const joined = { r1: { callId: 'first@phone', place }, r2: { callId: 'first@phone', place } };
      expect(shape(derive(legs, [], joined)).map(({ join }) => join)).toEqual(['none', 'none']);
    });

    it('go on alone where only one has come back', () => {
      expect(shape(derive(legs.slice(0, 1), [], memory))).toEqual([
        { callId: 'first@phone', join: 'none', legs: ['r1:stasis'] },
      ]);
    });
  });

  it('cannot go on where nothing is remembered of them', () => {
    expect(derive([recovered('r1')])[0]?.legs[0]?.place).toEqual({
      kind: 'nowhere',
      reason: 'no-continuation',
    });
  });
});
