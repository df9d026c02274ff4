import { setTimeout as delay } from 'node:timers/promises';
import {
  byeOf,
  disturbed,
  judge,
  phonesOf,
  reinvitesAfter,
  type CallPlan,
  type Crash,
  type Observation,
  type ObservedCall,
} from '@reinvite/test-phones';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOLD_MS, recoveriesOf, Scene, timelineOf } from '../src/index.js';

/** A machine that is out of processor is silent for seconds, and loses packets; that a call is touched shows in its SIP and its SSRC. */
const NO_GAP_MS = 5_000;
const NO_LOSS = 0.05;
/** So long after the crash the streams elsewhere are looked at: twice as long as what would be a gap. */
const WATCH_MS = 2 * NO_GAP_MS;
/** So long before the crash the stream is looked at already. */
const BEFORE_MS = 1_000;

const PLANS = {
  app: { kind: 'app', node: 'ast1', holdMs: HOLD_MS },
  appThatAsksBack: {
    kind: 'app',
    node: 'ast1',
    holdMs: HOLD_MS,
    caller: { reinvitesBack: true, copiesRecordRoute: false },
  },
  bridge: {
    kind: 'bridge',
    node: 'ast1',
    holdMs: HOLD_MS,
    caller: { reinvitesBack: true },
    callee: { reinvitesBack: true },
  },
  bridgeBehindNat: {
    kind: 'bridge',
    node: 'ast1',
    holdMs: HOLD_MS,
    hangsUp: 'callee',
    caller: { behindNat: true, copiesRecordRoute: false },
  },
  dial: { kind: 'dial', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee' },
  dialBehindNat: {
    kind: 'dial',
    node: 'ast1',
    holdMs: HOLD_MS,
    callee: { behindNat: true, copiesRecordRoute: false },
  },
  dialThatGoesOn: { kind: 'dial', node: 'ast1', holdMs: HOLD_MS, hangsUp: 'callee', goesOnMs: 3_000 },
  endsBefore: { kind: 'app', node: 'ast1', holdMs: 4_000 },
  elsewhereApp: { kind: 'app', node: 'ast2', holdMs: HOLD_MS },
  elsewhereDial: { kind: 'dial', node: 'ast3', holdMs: HOLD_MS },
} as const satisfies Record<string, CallPlan>;
type Name = keyof typeof PLANS;

describe('a node dies in the middle of its calls', () => {
  let scene: Scene;
  let crash: Crash;
  let seen: Observation;
  const numbers = new Map<Name, string>();

  function callNamed(name: Name): ObservedCall {
    const call = seen.calls.find(({ number }) => number === numbers.get(name));
    if (call === undefined) throw new Error(`the phones saw nothing of ${name}`);
    return call;
  }

  beforeAll(async () => {
    scene = await Scene.open();
    const made = await scene.call(Object.values(PLANS));
    (Object.keys(PLANS) as Name[]).forEach((name, index) => numbers.set(name, made[index] ?? ''));
    await scene.phones.until('one call to end', (calls) => {
      const call = calls.find(({ number }) => number === numbers.get('endsBefore'));
      return call !== undefined && byeOf(call.caller)?.answer?.status === 200;
    });
    crash = await scene.crash('ast1');
    await scene.untilBack(crash);
    await delay(Math.max(0, crash.at + WATCH_MS - Date.now()));
    seen = await scene.untilEnded();
  });
  afterAll(() => scene.close());

  it('is seen by captures that lost nothing', () => {
    expect(seen.doubts).toEqual([]);
  });

  it('and every call of it comes back: same tags, higher CSeq, one re-INVITE, voice, and an end as without the crash', () => {
    const verdicts = judge(seen.calls, crash, seen.voice);
    expect(verdicts.map(({ number, reasons }) => ({ number, reasons }))).toEqual(
      [...numbers]
        .filter(([name]) => !['endsBefore', 'elsewhereApp', 'elsewhereDial'].includes(name))
        .map(([, number]) => ({ number, reasons: [] })),
    );
  });

  it.each(['appThatAsksBack', 'bridge'] as const)(
    'and the re-INVITE of the phone itself is answered: %s',
    (name) => {
      for (const phone of phonesOf(callNamed(name))) {
        const own = phone.requests.filter(({ method, by }) => method === 'INVITE' && by === 'phone');
        expect(own).toMatchObject([{ answer: { status: 200 } }]);
        expect(own[0]?.ackedAt).not.toBeNull();
        expect(own[0]?.cseq).toBeGreaterThan(phone.invite.cseq);
      }
    },
  );

  it('and our ACK and our BYE reach a phone whose Contact nobody can reach', () => {
    const unreachable = [callNamed('bridgeBehindNat').caller, callNamed('dialBehindNat').callee];
    for (const phone of unreachable) {
      if (phone === undefined) throw new Error('the phone was not called');
      const [back] = reinvitesAfter(phone, crash.at);
      expect(back?.requestUri).toContain('@192.168.');
      expect(back?.ackedAt).not.toBeNull();
      expect(byeOf(phone)).toMatchObject({ by: 'network', answer: { status: 200 } });
    }
  });

  it.each(['bridge', 'bridgeBehindNat', 'dial', 'dialBehindNat', 'dialThatGoesOn'] as const)(
    'and the two people hear each other: %s',
    (name) => {
      for (const phone of phonesOf(callNamed(name))) {
        const from = reinvitesAfter(phone, crash.at)[0]?.answer?.at ?? Infinity;
        const heard = [...phone.rtpPorts].flatMap((port) => [
          ...seen.voice.heard(port, from, byeOf(phone)?.at ?? Infinity),
        ]);
        expect(heard).toContain(phone.role === 'caller' ? 'callee' : 'caller');
      }
    },
  );

  it('and calls on the other nodes notice nothing', () => {
    expect(disturbed(seen.calls, crash)).toEqual([]);
    for (const phone of [callNamed('elsewhereApp'), callNamed('elsewhereDial')].flatMap(phonesOf)) {
      expect(phone.requests.map(({ method }) => method)).toEqual(['BYE']);
      const end = (byeOf(phone)?.at ?? 0) - 200;
      for (const port of phone.rtpPorts) {
        expect(seen.voice.longestSilence(port, crash.at, end)).toBeLessThan(NO_GAP_MS);
        const { ssrcs, received, lost } = seen.voice.streams(port, crash.at - BEFORE_MS, end);
        expect(ssrcs).toHaveLength(1);
        expect(lost / received).toBeLessThan(NO_LOSS);
      }
    }
  });

  it('and a call that ended a moment before is not dialled', async () => {
    const { caller } = callNamed('endsBefore');
    expect(caller.requests.map(({ method }) => method)).toEqual(['BYE']);
    const row = (await recoveriesOf(scene.db, 'ast1')).find(({ callId }) => callId === caller.callId);
    expect(['skipped', undefined]).toContain(row?.outcome);
  });

  it('and the audit has every call with its outcome and its steps', async () => {
    const rows = (await recoveriesOf(scene.db, 'ast1')).filter(({ outcome }) => outcome !== 'skipped');
    const back = seen.calls.filter((call) => reinvitesAfter(call.caller, crash.at).length > 0);
    expect(new Set(rows.map(({ callId }) => callId))).toEqual(
      new Set(back.map(({ caller }) => caller.callId)),
    );
    for (const row of rows) {
      expect(row).toMatchObject({ outcome: 'recovered', trigger: 'node-down', reason: null });
      expect(row.legsRecovered).toBe(row.legsTotal);
      const steps = await timelineOf(scene.db, row.callId);
      expect(steps).toEqual(
        expect.arrayContaining(['NodeDown', 'RecoveryPlanned', 'LegAnswered', 'RecoveryCompleted']),
      );
      expect(steps.indexOf('NodeDown')).toBeLessThan(steps.indexOf('RecoveryPlanned'));
      // What a leg was doing goes on when it is back, and is told when it does.
      expect(steps.filter((step) => !/^(Leg|Bridge)Resumed$/.test(step)).at(-1)).toBe('RecoveryCompleted');
    }
  });
});
