import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optionsOf, splitArguments } from '../src/call/app-data.js';
import {
  deriveCalls,
  legPlace,
  RECOVERED_CONTEXT,
  type LegActivity,
  type LegPlace,
  type LegRecord,
} from '../src/index.js';
import { extensionOf, placeVariables, restoredByDialplan } from '../src/recovery/place-variables.js';
import { bridgeRecord, legRecord } from './support/records.js';

const DIED_AT = 100_000;

function running(appName: string, appData: string, activity?: LegActivity, context = 'from-edge'): LegRecord {
  const dialplan = { context, extension: 'x-1', priority: 3, appName, appData };
  return legRecord('a', { dialplan, ...(activity === undefined ? {} : { activity }) });
}

function placeOf(leg: LegRecord, remembered?: LegPlace): LegPlace {
  const memory = new Map(remembered === undefined ? [] : [['a', { callId: 'c', place: remembered }]]);
  const [call] = deriveCalls({ nodeId: 'ast1', incarnation: '1', legs: [leg], bridges: [] }, memory);
  return legPlace.parse(call?.legs[0]?.place);
}

/** What the dialplan of the target is told, and where it begins. */
function restored(place: LegPlace): Record<string, string> {
  const variables = placeVariables(place, true, DIED_AT);
  return { ...variables, at: (place.kind === 'dialplan' ? extensionOf(place) : place.kind) ?? 'itself' };
}

const lostOf = (place: LegPlace) => ('lost' in place ? place.lost : undefined);

describe('an application of the dialplan goes on where it was:', () => {
  it('one that needs nothing is executed again at its place', () => {
    expect(restored(placeOf(running('Echo', '')))).toEqual({ at: 'itself' });
  });

  it('a file from where it was, and from there again after the second crash', () => {
    const place = placeOf(running('Playback', 'long', { dialplanSince: 90_000 }));
    expect(restored(place)).toEqual({
      at: 'playback',
      REINVITE_APP_DATA: 'long,1,,,,,,o(10000)',
      REINVITE_CONTEXT: 'from-edge',
      REINVITE_EXTENSION: 'x-1',
      REINVITE_PRIORITY: '3',
    });
    const again = running(
      'ControlPlayback',
      'long,1,,,,,,o(10000)',
      { dialplanSince: 95_000 },
      RECOVERED_CONTEXT,
    );
    expect(restored(placeOf(again, { ...place, diedAt: 90_000 } as LegPlace))).toMatchObject({
      REINVITE_APP_DATA: 'long,1,,,,,,o(15000)',
      REINVITE_PRIORITY: '3',
    });
    expect(restoredByDialplan(place)).toEqual(['playback:long']);
  });

  it("a ControlPlayback of one's own with its keys", () => {
    const place = placeOf(running('ControlPlayback', 'f,3000,6,4,0', { dialplanSince: 99_000 }));
    expect(restored(place).REINVITE_APP_DATA).toBe('f,3000,6,4,0,,,o(1000)');
  });

  it.each([
    ['several files', 'Playback', 'a&b', { dialplanSince: 90_000 }],
    ['a text that is said', 'Playback', '12,say', { dialplanSince: 90_000 }],
    ['one of which nobody saw the beginning', 'Playback', 'a', {}],
  ])('but not %s: that begins anew, and the plan says so', (_, appName, appData, activity) => {
    const place = placeOf(running(appName, appData, activity));
    expect(restored(place)).toEqual({ at: 'itself' });
    expect(lostOf(place)).toEqual([{ what: `playback:${appData.split(',')[0]}`, reason: 'begun-anew' }]);
  });

  it.each([
    ['BackGround', 'a', ['playback:a', 'digits']],
    ['Read', 'PIN,enter-pin,4', ['digits']],
    ['ReadExten', 'TO,dial,ctx', ['digits']],
    ['WaitExten', '10', ['digits']],
  ])('but not the digits that %s has collected: those are entered anew, and the plan says so', (...of) => {
    const [appName, appData, whats] = of;
    const place = placeOf(running(appName, appData, { dialplanSince: 90_000 }));
    expect(restored(place)).toEqual({ at: 'itself' });
    expect(lostOf(place)).toEqual(whats.map((what) => ({ what, reason: 'begun-anew' })));
  });

  it('a conference as the user that the leg was, also after the second crash', () => {
    const conference = {
      name: 'c',
      admin: true,
      marked: true,
      waitMarked: false,
      endMarked: false,
      muted: true,
    };
    const place = placeOf(running('ConfBridge', 'c,loud,boss,keys', { conference }));
    const told = {
      at: 'conference',
      REINVITE_APP_DATA: 'c,loud,,keys',
      REINVITE_USER_PROFILE: 'boss',
      REINVITE_ADMIN: 'yes',
      REINVITE_MARKED: 'yes',
      REINVITE_WAIT_MARKED: 'no',
      REINVITE_END_MARKED: 'no',
      REINVITE_STARTS_MUTED: 'yes',
    };
    expect(restored(place)).toMatchObject(told);
    const again = running('ConfBridge', 'c,loud,,keys', { conference }, RECOVERED_CONTEXT);
    expect(restored(placeOf(again, place))).toMatchObject(told);
    expect(restored(placeOf(running('Set', 'x=y', {}, RECOVERED_CONTEXT), place))).toMatchObject(told);
  });

  it('a conference of which nobody tells the users, and says that', () => {
    const place = placeOf(running('ConfBridge', 'c'));
    expect(restored(place)).toMatchObject({
      REINVITE_APP_DATA: 'c,,,',
      REINVITE_USER_PROFILE: 'default_user',
    });
    expect(lostOf(place)).toEqual([{ what: 'conference-user:c', reason: 'activity-unknown' }]);
  });

  it('a queue at the position, for what is left of the time, with the priority', () => {
    const queue = { name: 'q', position: 2, joinedAt: 70_000, priority: 5 };
    expect(restored(placeOf(running('Queue', 'q,tc,,,120', { queue })))).toMatchObject({
      at: 'queue',
      REINVITE_APP_DATA: 'q,tc,,,90,,,,2',
      REINVITE_QUEUE: 'q',
      REINVITE_POSITION: '2',
      QUEUE_PRIO: '5',
    });
    expect(restored(placeOf(running('Queue', 'q,,,,20', { queue }))).REINVITE_APP_DATA).toBe('q,,,,1,,,,2');
  });

  it('a parking space for what is left of the time, also of a leg that somebody else had parked', () => {
    const parked = { lot: 'l', space: '705', timeoutS: 45, parker: 'PJSIP/alice', parkedAt: 80_000 };
    expect(restored(placeOf(running('Park', 'l,t(45)m(jazz)sc(sales,s,1)', { parked })))).toMatchObject({
      at: 'park',
      REINVITE_APP_DATA: 'l,sm(jazz)c(sales,s,1)t(25)',
      REINVITE_SPACE: '705',
      REINVITE_PARKER: 'PJSIP/alice',
      REINVITE_EXTENSION: 'x-1',
    });
    const mixMonitors = [{ file: 'p.wav', options: '' }];
    expect(restored(placeOf(running('Park', 'l', { parked, mixMonitors })))).toMatchObject({
      at: 'park',
      REINVITE_MIXMONITOR_1: 'p-2.wav',
    });
    const dialled = { ...running('AppDial', '(Outgoing Line)', { parked }), dialedBy: 'other' };
    expect(restored(placeOf(dialled))).toMatchObject({
      at: 'park',
      REINVITE_APP_DATA: 'l,st(25)',
      REINVITE_CONTEXT: RECOVERED_CONTEXT,
      REINVITE_EXTENSION: 'over',
    });
    const ours = running('RecoveryBridge', 'c', { parked }, RECOVERED_CONTEXT);
    const dialler: LegPlace = {
      kind: 'dial-caller',
      context: 'from-edge',
      extension: 'd',
      priority: 7,
      continues: true,
    };
    expect(restored(placeOf(ours, dialler))).toMatchObject({ at: 'park', REINVITE_EXTENSION: 'd' });
    expect(restored(placeOf(ours))).toMatchObject({ at: 'park', REINVITE_EXTENSION: 'over' });
  });

  it('recordings each in a file of its own, numbered over every crash', () => {
    const mixMonitors = [{ file: 'a/b.wav', options: 'br(in.wav)' }];
    const place = placeOf(running('Echo', '', { mixMonitors }));
    expect(restored(place)).toMatchObject({
      at: 'place',
      REINVITE_MIXMONITOR_1: 'a/b-2.wav,br(in-2.wav)',
    });
    const many = ['1', '2', '3', '4'].map((file) => ({ file, options: 'i(a)r(in.wav),/bin/post t(x)' }));
    const [first, ...others] = (
      placeOf(running('Echo', '', { mixMonitors: many })) as { mixMonitors: object[] }
    ).mixMonitors;
    expect(first).toMatchObject({ file: '1-2', options: 'i(a)r(in-2.wav),/bin/post t(x)' });
    expect(others).toHaveLength(2);
    expect(lostOf(placeOf(running('Echo', '', { mixMonitors: many })))).toEqual([
      { what: 'recording:4', reason: 'not-supported' },
    ]);
    const second = [{ file: 'a/b-2.wav', options: 'br(in-2.wav)' }];
    expect(restored(placeOf(running('Echo', '', { mixMonitors: second }), place))).toMatchObject({
      REINVITE_MIXMONITOR_1: 'a/b-3.wav,br(in-3.wav)',
    });
    expect(restoredByDialplan(place)).toEqual(['recording:a/b-2']);
  });
});

describe('two that Dial or Queue had joined', () => {
  function caller(appName: string, appData: string, activity?: LegActivity): LegPlace {
    const legs = [
      running(appName, appData, activity),
      legRecord('b', {
        dialplan: { context: 'from-edge', extension: '', priority: 1, appName: 'AppDial', appData: '' },
        dialedBy: 'a',
      }),
    ];
    const bridges = [bridgeRecord('br', ['a', 'b'], { bridgeClass: 'basic' })];
    const [call] = deriveCalls({ nodeId: 'ast1', incarnation: '1', legs, bridges }, new Map());
    return legPlace.parse(call?.legs[0]?.place);
  }

  it.each(['L(60000)g', 'L(60000.57)g', 'L(60000:5000)gr', 'S(60)g', 'S(60)L(99999999999999999999)g'])(
    'may talk for what is left (%s)',
    (options) => {
      const place = caller('Dial', `PJSIP/b,30,${options}`, { bridgedSince: 70_000 });
      expect(restored(place)).toMatchObject({ REINVITE_DIAL_LIMIT: '30', REINVITE_DIAL_CONTINUE: '1' });
    },
  );

  it.each(['L(0)', 'L(x)', 'L(99999999999999999999)', 'S(999999999999999)', 'L'])(
    'talk as long as they like where no time can be read (%s)',
    (options) => {
      const place = caller('Dial', `PJSIP/b,30,${options}`, { bridgedSince: 70_000 });
      expect(restored(place)).not.toHaveProperty('REINVITE_DIAL_LIMIT');
    },
  );

  it('have no features any more, and the plan names each', () => {
    expect(lostOf(caller('Dial', 'PJSIP/b,30,tXU(hook^tT)m(default)'))).toEqual(
      ['t', 'X'].map((option) => ({ what: `dial-option:${option}`, reason: 'not-supported' })),
    );
  });

  it('by Queue go on in the dialplan where the option c says so', () => {
    expect(caller('Queue', 'q,c')).toMatchObject({ kind: 'dial-caller', continues: true });
    expect(caller('Queue', 'q')).toMatchObject({ kind: 'dial-caller', continues: false });
  });
});

describe('arguments of an application', () => {
  it.each([
    ['a,b', ['a', 'b']],
    ['', ['']],
    ['a,,', ['a', '', '']],
    ['f(a,b),c', ['f(a,b)', 'c']],
    ['"a,b",c', ['"a,b"', 'c']],
    ['[a,b],c', ['[a,b]', 'c']],
    ['[a(b,c],d),e', ['[a(b,c],d)', 'e']],
    ['a\\,b,c', ['a\\,b', 'c']],
    ['a(b,c', ['a(b,c']],
    ['[a,b', ['[a,b']],
    ['"a,b', ['"a,b']],
    ['"(",a,b', ['"(",a,b']],
    ['a),b],c', ['a)', 'b]', 'c']],
  ])('are split where Asterisk splits them: %s', (appData, parts) => {
    expect(splitArguments(appData)).toEqual(parts);
  });
});

describe('options of an application', () => {
  it('are read whatever stands in their parentheses', () => {
    const option = fc.tuple(
      fc.constantFrom(...'abcdefg'),
      fc.option(fc.stringMatching(/^[a-z^:,]{0,5}(\([a-z]{0,3}\))?$/), { nil: undefined }),
    );
    fc.assert(
      fc.property(fc.uniqueArray(option, { selector: ([letter]) => letter }), (options) => {
        const text = options
          .map(([letter, value]) => letter + (value === undefined ? '' : `(${value})`))
          .join('');
        expect([...optionsOf(text)]).toEqual(options.map(([letter, value]) => [letter, value ?? '']));
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => optionsOf(text).size <= text.length));
  });
});
