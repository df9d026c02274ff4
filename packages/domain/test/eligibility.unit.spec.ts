import { describe, expect, it } from 'vitest';
import {
  channelIdOf,
  deriveCalls,
  planRecoveries,
  type DialogView,
  type LegRecord,
  type Trigger,
} from '../src/index.js';
import { candidate, limits } from './support/recoveries.js';
import { policy } from './support/policies.js';
import { ariBridge, dialogView, stasisLeg } from './support/records.js';

function plan(
  legs: LegRecord[],
  dialogs: Record<string, DialogView[]>,
  nodes = [candidate('ast2')],
  bridges = [
    ariBridge(
      'b1',
      legs.map((leg) => leg.channelId),
    ),
  ],
) {
  return planRecoveries({
    calls: deriveCalls({ nodeId: 'ast1', incarnation: '1000', legs, bridges }, new Map()),
    dialogs: new Map(Object.entries(dialogs)),
    candidates: nodes,
    trigger: { kind: 'node-down', evidence: 'process-gone', at: 1 },
    limits,
    policy: policy(),
    ledgerHeard: true,
    past: [],
    at: 2,
  });
}

function reasonFor(dialogs: DialogView[], change: Partial<LegRecord> = {}) {
  const [command] = plan([stasisLeg('a', change)], { 'a@phone': dialogs });
  return command?.legs.length === 1 ? 'eligible' : command?.skipped[0]?.reason;
}

describe('a leg', () => {
  it.each<[string, DialogView[], string, Partial<LegRecord>?]>([
    ['with a confirmed dialog', [dialogView()], 'eligible'],
    ['without a dialog', [], 'dialog-unknown'],
    ['without a Call-ID', [dialogView()], 'dialog-unknown', { sipCallId: '' }],
    ['still ringing', [dialogView({ state: 'early' })], 'dialog-early'],
    ['that had ended', [dialogView({ state: 'ended' })], 'dialog-ended'],
    ['whose dialog lacks a field', [dialogView({ variables: null })], 'dialog-incomplete'],
    ['whose dialog was seen in part', [dialogView({ unsure: ['cseq'] })], 'dialog-unsure'],
    ['that another node speaks for', [dialogView({ nodeId: 'ast3' })], 'dialog-elsewhere'],
    [
      'that ended here and lives elsewhere',
      [dialogView({ state: 'ended' }), dialogView({ nodeId: 'ast3' })],
      'dialog-elsewhere',
    ],
    [
      'with the other side of its Call-ID on another node',
      [dialogView(), dialogView({ nodeId: 'ast3' })],
      'eligible',
    ],
    ['with an earlier fork that ended', [dialogView(), dialogView({ state: 'ended' })], 'eligible'],
    ['with two confirmed dialogs', [dialogView(), dialogView()], 'dialog-ambiguous'],
    ['whose channel was not up', [dialogView()], 'not-answered', { state: 'Ringing' }],
  ])('%s: %s', (_, dialogs, expected, change) => {
    expect(reasonFor(dialogs, change ?? {})).toBe(expected);
  });

  describe('that we brought there, as nobody has captured', () => {
    const channelId = channelIdOf('0'.repeat(20), 0, 2);
    const takenFrom = { nodeId: 'ast9', attempt: 2, cseq: 1_020 };
    const before = dialogView({
      nodeId: 'ast9',
      variables: { PJSIP_RECOVERY_CSEQ: '20', PJSIP_RECOVERY_SDP_ORIGIN: '5 7 x' },
    });
    const planned = (dialogs: DialogView[], change: Partial<LegRecord> = {}, unsure = 'recover' as const) => {
      const leg = stasisLeg(channelId, change);
      const place = { kind: 'stasis', app: 'demo' } as const;
      const calls = deriveCalls(
        { nodeId: 'ast1', incarnation: '1000', legs: [leg], bridges: [] },
        new Map([[channelId, { callId: 'a', place, takenFrom }]]),
      );
      return planRecoveries({
        calls,
        dialogs: new Map([[leg.sipCallId, dialogs]]),
        candidates: [candidate('ast2')],
        trigger: { kind: 'node-down', evidence: 'process-gone', at: 1 },
        limits,
        policy: policy({ unsure: { 'takeover-unseen': unsure } }),
        ledgerHeard: true,
        past: [],
        at: 2,
      })[0];
    };

    it('goes on from the dialog of the node before, above what was sent there', () => {
      expect(planned([before])?.legs[0]?.dialog).toEqual({
        PJSIP_RECOVERY_CSEQ: '2020',
        PJSIP_RECOVERY_SDP_ORIGIN: '5 9 x',
      });
    });

    it('comes along unanswered with another leg that was back there', () => {
      const other = channelIdOf('0'.repeat(20), 1, 2);
      const legs = [stasisLeg(channelId), stasisLeg(other, { state: 'Ring' })];
      const restored = { callId: 'a', place: { kind: 'stasis', app: 'demo' }, takenFrom } as const;
      const [command] = planRecoveries({
        calls: deriveCalls(
          { nodeId: 'ast1', incarnation: '1000', legs, bridges: [ariBridge('b1', [channelId, other])] },
          new Map([channelId, other].map((id) => [id, restored])),
        ),
        dialogs: new Map(legs.map(({ sipCallId }) => [sipCallId, [before]])),
        candidates: [candidate('ast2')],
        trigger: { kind: 'node-down', evidence: 'process-gone', at: 1 },
        limits,
        policy: policy({ unsure: { 'takeover-unseen': 'recover' } }),
        ledgerHeard: true,
        past: [],
        at: 2,
      });
      expect(command?.legs.map(({ legId }) => legId)).toEqual([channelId, other]);
    });

    it.each<[string, DialogView[], string, Partial<LegRecord>?]>([
      ['of which the phone had not answered', [before], 'dialog-elsewhere', { state: 'Ringing' }],
      ['while a third node speaks for it', [{ ...before, nodeId: 'ast3' }], 'dialog-elsewhere'],
      ['and two dialogs could be it', [before, before], 'dialog-elsewhere'],
      ['that had ended before', [{ ...before, state: 'ended' }], 'dialog-elsewhere'],
      ['whose dialog was seen in part', [{ ...before, unsure: ['creation-unseen'] }], 'dialog-unsure'],
    ])('is left alone: %s', (_, dialogs, reason, change) => {
      expect(planned(dialogs, change)?.skipped).toMatchObject([{ reason }]);
    });
  });

  it('of ours that waits for its phone comes along with one that had come back, and not alone', () => {
    const [one, other] = [channelIdOf('0'.repeat(20), 0, 1), channelIdOf('0'.repeat(20), 1, 1)];
    const dialogs = { [`${one}@phone`]: [dialogView()], [`${other}@phone`]: [dialogView()] };
    const legs = (state: string): LegRecord[] => [
      stasisLeg(one, { state }),
      stasisLeg(other, { state: 'Ringing' }),
    ];
    expect(plan(legs('Up'), dialogs)[0]?.legs.map(({ legId }) => legId)).toEqual([one, other]);
    expect(plan(legs('Ringing'), dialogs)[0]?.skipped.map(({ reason }) => reason)).toEqual([
      'not-answered',
      'not-answered',
    ]);
  });

  it('that shares its Call-ID with another leg of the node is left alone: two must not claim one dialog', () => {
    const legs = [stasisLeg('a', { sipCallId: 'same' }), stasisLeg('b', { sipCallId: 'same' })];
    const [command] = plan(legs, { same: [dialogView()] });
    expect(command?.skipped.map((leg) => leg.reason)).toEqual(['dialog-ambiguous', 'dialog-ambiguous']);
  });
});

describe('a call', () => {
  it('is planned with the legs that can come back, and says why the others cannot', () => {
    const [command] = plan([stasisLeg('a'), stasisLeg('b')], {
      'a@phone': [dialogView()],
      'b@phone': [dialogView({ state: 'ended' })],
    });
    expect(command?.legs.map((leg) => leg.legId)).toEqual(['a']);
    expect(command?.skipped).toEqual([
      { legId: 'b', sipCallId: 'b@phone', endpoint: 'edge', reason: 'dialog-ended' },
    ]);
    expect(command?.target?.nodeId).toBe('ast2');
  });

  it('names the channels of its bridge that are no PJSIP legs', () => {
    const [command] = plan([stasisLeg('a')], { 'a@phone': [dialogView()] }, undefined, [
      ariBridge('b1', ['a', 'recorder']),
    ]);
    expect(command?.skipped).toEqual([
      { legId: 'recorder', sipCallId: '', endpoint: '', reason: 'leg-not-pjsip' },
    ]);
  });

  it('has the caller id of its channel, without what would break its syntax', () => {
    const [command] = plan([stasisLeg('a', { caller: { name: 'An "Odd" <Name>', number: '+49 30' } })], {
      'a@phone': [dialogView()],
    });
    expect(command?.legs[0]?.callerId).toBe('"An Odd Name" <+49 30>');
  });

  it('has the same recovery id whenever the same death is told, another for another incarnation', () => {
    const legs = [stasisLeg('a')];
    const [first] = plan(legs, {});
    const [again] = plan(legs, { 'a@phone': [dialogView()] });
    expect(again?.recoveryId).toBe(first?.recoveryId);
    expect(first?.recoveryId).toMatch(/^[0-9a-f]{20}$/);
  });
});

describe('a death that became known late', () => {
  const late = (trigger: Trigger) =>
    planRecoveries({
      calls: deriveCalls(
        { nodeId: 'ast1', incarnation: '1000', legs: [stasisLeg('a')], bridges: [] },
        new Map(),
      ),
      dialogs: new Map([['a@phone', [dialogView()]]]),
      candidates: [candidate('ast2')],
      trigger,
      limits,
      policy: policy(),
      ledgerHeard: true,
      past: [],
      at: 1_000_000,
    })[0];

  it('brings no re-INVITE to phones that have long hung up', () => {
    expect(late({ kind: 'node-down', evidence: 'process-gone', at: 1_000 })?.skipped[0]?.reason).toBe(
      'too-late',
    );
  });

  it('does so where an operator asks for it', () => {
    const trigger = {
      kind: 'request',
      idempotencyKey: 'k',
      requestedBy: 'ops',
      reason: 'test',
      at: 1_000,
    } as const;
    expect(late(trigger)?.legs).toHaveLength(1);
  });
});

describe('placement over a whole node', () => {
  const pairs = Array.from({ length: 30 }, (_, n) => [stasisLeg(`a${n}`), stasisLeg(`b${n}`)]);
  const legs = pairs.flat();
  const bridges = pairs.map((pair, n) =>
    ariBridge(
      `bridge-${n}`,
      pair.map((leg) => leg.channelId),
    ),
  );
  const dialogs = Object.fromEntries(legs.map((leg) => [leg.sipCallId, [dialogView()]]));

  it('spreads the calls evenly over nodes of equal load', () => {
    const commands = plan(legs, dialogs, [candidate('ast2'), candidate('ast3')], bridges);
    const onAst2 = commands.filter((command) => command.target?.nodeId === 'ast2');
    expect([onAst2.length, commands.length]).toEqual([15, 30]);
  });

  it('fills the emptier node first', () => {
    const commands = plan(legs, dialogs, [candidate('ast2', 40), candidate('ast3', 0)], bridges);
    expect(commands.filter((command) => command.target?.nodeId === 'ast3')).toHaveLength(25);
  });

  it('takes a node that has only just come back from a crash only where there is no other', () => {
    const [command] = plan(legs, dialogs, [candidate('ast2', 100), candidate('ast3', 0, true)], bridges);
    expect(command?.target?.nodeId).toBe('ast2');
    const [alone] = plan(legs, dialogs, [candidate('ast3', 0, true)], bridges);
    expect(alone?.target?.nodeId).toBe('ast3');
  });

  it('has no target where no node is healthy', () => {
    expect(plan(legs, dialogs, [], bridges).every((command) => command.target === null)).toBe(true);
  });
});
