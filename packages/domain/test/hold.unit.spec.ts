import { describe, expect, it } from 'vitest';
import {
  advance,
  newRecovery,
  planRecoveries,
  type AbandonRecovery,
  type HoldRecovery,
  type PlanInput,
  type ReleaseHold,
} from '../src/index.js';
import { pastRecovery, policy } from './support/policies.js';
import { candidate, candidates, limits, planRecovery } from './support/recoveries.js';
import { given } from './support/specification.js';

const until = 60_000;
const held = (reason: 'mass-failure' | 'call-crashes-nodes' = 'mass-failure') =>
  planRecovery(2, { target: null, hold: { reason, until } });
const release = (change: Partial<ReleaseHold> = {}): ReleaseHold => ({
  type: 'ReleaseHold',
  requestedBy: 'alice',
  reason: 'it was a power cut',
  candidates,
  at: 20_000,
  ...change,
});
const look = (at: number) => ({ type: 'StartAttempt', attempt: 1, candidates, at }) as const;

describe('a call that is held for an operator', () => {
  it('is dialled when it is released, and not before', () => {
    given([])
      .when(held(), look(30_000), release(), release())
      .then(
        { type: 'RecoveryPlanned' },
        { type: 'RecoveryHeld', reason: 'mass-failure', until },
        { type: 'HoldReleased', requestedBy: 'alice', reason: 'it was a power cut' },
        { type: 'AttemptStarted', attempt: 1, target: 'ast2', at: 20_000 },
      );
  });

  it('is given up with its reason when nobody releases it, and is not released afterwards', () => {
    given([])
      .when(held(), look(until), release())
      .then(
        { type: 'RecoveryPlanned' },
        { type: 'RecoveryHeld' },
        { type: 'RecoveryCompleted', outcome: 'skipped', reason: 'mass-failure' },
      );
  });

  it('is not let go by a release that is about others', () => {
    given([])
      .when(held('call-crashes-nodes'), release({ heldFor: ['mass-failure'] }))
      .then({ type: 'RecoveryPlanned' }, { type: 'RecoveryHeld', reason: 'call-crashes-nodes' });
  });

  it('waits for a node where none is fit when it is released, or is given up', () => {
    const patient = { ...held(), limits: { ...limits, targetWaitMs: 5_000 } };
    given([])
      .when(patient, release({ candidates: [] }))
      .then(
        { type: 'RecoveryPlanned' },
        { type: 'RecoveryHeld' },
        { type: 'HoldReleased' },
        { type: 'AttemptAwaited', attempt: 1, reason: 'no-target', until: 25_000 },
      );
    given([])
      .when(held(), release({ candidates: [] }))
      .then(
        { type: 'RecoveryPlanned' },
        { type: 'RecoveryHeld' },
        { type: 'HoldReleased' },
        { type: 'RecoveryCompleted', outcome: 'skipped', reason: 'no-target' },
      );
  });

  it('has a deadline in the machine, and sends nothing until it is released', () => {
    const planned = advance(newRecovery(), given([]).when(held()).events);
    expect(planned.effects).toMatchObject([{ type: 'setDeadline', kind: 'retry', attempt: 1, dueAt: until }]);
    const all = given([]).when(held(), release()).events;
    const { effects } = advance(newRecovery(), all);
    expect(effects.map(({ type }) => type)).toEqual(['setDeadline', 'sendRestoreCall', 'setDeadline']);
  });
});

describe('a call that waits for a node when an operator has to be asked', () => {
  const patient = { target: null, limits: { ...limits, targetWaitMs: 5_000 } };
  const hold = (change: Partial<HoldRecovery> = {}): HoldRecovery => ({
    type: 'HoldRecovery',
    reason: 'mass-failure',
    until,
    at: 10_100,
    ...change,
  });

  it('waits for the operator too, and then for a node again', () => {
    given([])
      .when(planRecovery(2, patient), hold(), hold(), look(10_500), release({ candidates: [] }), look(20_500))
      .then(
        { type: 'RecoveryPlanned' },
        { type: 'AttemptAwaited', reason: 'no-target' },
        { type: 'RecoveryHeld', reason: 'mass-failure', until },
        { type: 'HoldReleased' },
        { type: 'AttemptAwaited', until: 25_000 },
        { type: 'AttemptStarted', target: 'ast2' },
      );
  });

  it('is given up with that reason when nobody answers, or is not asked at all', () => {
    const skipped = { type: 'RecoveryCompleted', outcome: 'skipped', reason: 'mass-failure' } as const;
    given([])
      .when(planRecovery(1, patient), hold(), look(until))
      .then({ type: 'RecoveryPlanned' }, { type: 'AttemptAwaited' }, { type: 'RecoveryHeld' }, skipped);
    given([])
      .when(planRecovery(1, patient), hold({ until: 10_100 }))
      .then({ type: 'RecoveryPlanned' }, { type: 'AttemptAwaited' }, skipped);
  });

  it('goes on where an operator has asked for it, or has let it go before, and once it is dialled', () => {
    const trigger = { kind: 'request', idempotencyKey: 'k', requestedBy: 'a', reason: '', at: 1 } as const;
    given([])
      .when(planRecovery(1, { ...patient, trigger }), hold())
      .then({ type: 'RecoveryPlanned' }, { type: 'AttemptAwaited' });
    given([])
      .when({ ...held(), limits: patient.limits }, release({ candidates: [] }), hold({ at: 20_100 }))
      .then(
        { type: 'RecoveryPlanned' },
        { type: 'RecoveryHeld' },
        { type: 'HoldReleased' },
        { type: 'AttemptAwaited' },
      );
    given([]).when(planRecovery(1), hold()).then({ type: 'RecoveryPlanned' }, { type: 'AttemptStarted' });
  });

  it('has a deadline of its own in the machine', () => {
    const { effects } = advance(newRecovery(), given([]).when(planRecovery(1, patient), hold()).events);
    expect(effects).toMatchObject([
      { type: 'setDeadline', kind: 'retry', dueAt: 10_500 },
      { type: 'setDeadline', kind: 'retry', dueAt: until },
    ]);
  });
});

describe('a call of which nothing was dialled', () => {
  const abandon: AbandonRecovery = { type: 'AbandonRecovery', reason: 'recovery-stopped', at: 11_000 };
  const patient = { limits: { ...limits, targetWaitMs: 5_000 } };

  it('is left alone when recovery is stopped, whatever it waited for', () => {
    const outcome = { type: 'RecoveryCompleted', outcome: 'skipped', reason: 'recovery-stopped' } as const;
    given([]).when(held(), abandon).then({ type: 'RecoveryPlanned' }, { type: 'RecoveryHeld' }, outcome);
    given([])
      .when(planRecovery(1, { target: null, ...patient }), abandon)
      .then({ type: 'RecoveryPlanned' }, { type: 'AttemptAwaited' }, outcome);
  });

  it('and one that was dialled goes on to its end', () => {
    given([]).when(planRecovery(1), abandon).then({ type: 'RecoveryPlanned' }, { type: 'AttemptStarted' });
  });
});

describe('the plans of a dead node', () => {
  const leg = {
    legId: 'reinvite-bbbbbbbbbbbbbbbbbbbb-0-1',
    record: {
      channelId: 'reinvite-bbbbbbbbbbbbbbbbbbbb-0-1',
      channelName: '',
      endpoint: 'edge',
      sipCallId: 'a@phone',
      state: 'Up',
      createdAt: 1,
      caller: { name: '', number: '' },
      accountCode: '',
      language: '',
      dialplan: { context: '', extension: '', priority: 1, appName: '', appData: '' },
      stasisApp: 'demo',
      dialedBy: null,
      at: 1,
    },
    place: { kind: 'stasis', app: 'demo' },
  } as const;
  const call = {
    callId: 'a@phone',
    kind: 'stasis',
    nodeId: 'ast2',
    incarnation: 'life-of-ast2',
    legs: [leg],
    strangers: [],
    join: { kind: 'none' },
  } as const;
  const dialog = {
    state: 'confirmed',
    nodeId: 'ast2',
    unsure: [],
    variables: { PJSIP_RECOVERY_CSEQ: '1' },
    inviteCseq: null,
  } as const;
  const input = (change: Partial<PlanInput> = {}): PlanInput => ({
    calls: [call],
    dialogs: new Map([['a@phone', [dialog]]]),
    candidates: [candidate('ast3')],
    trigger: { kind: 'node-down', evidence: 'process-gone', at: 10_000 },
    limits,
    policy: policy(),
    ledgerHeard: true,
    past: [],
    at: 10_050,
    ...change,
  });
  const plan = (change: Partial<PlanInput> = {}) => planRecoveries(input(change))[0];

  it('leave every call alone while recovery is stopped, and INVITEs that ring too', () => {
    const early = new Map([['a@phone', [{ ...dialog, state: 'early', inviteCseq: 7 } as const]]]);
    const ringing = { ...call, legs: [{ ...leg, record: { ...leg.record, state: 'Ring' } }] };
    expect(plan({ restraint: { kind: 'stopped' } })).toMatchObject({
      legs: [],
      skipped: [{ reason: 'recovery-stopped' }],
    });
    const rings = { calls: [ringing], dialogs: early };
    expect(plan(rings)?.skipped).toMatchObject([{ reason: 'dialog-early', inviteCseq: 7 }]);
    expect(plan({ ...rings, restraint: { kind: 'stopped' } })?.skipped).toEqual([
      { legId: leg.legId, sipCallId: 'a@phone', endpoint: 'edge', reason: 'dialog-early' },
    ]);
  });

  it('hold calls where the operator is asked, for as long as there is time', () => {
    expect(plan({ restraint: { kind: 'ask', until: 70_000 } })).toMatchObject({
      legs: [{ legId: leg.legId }],
      target: null,
      hold: { reason: 'mass-failure', until: 70_000 },
    });
    expect(plan({ restraint: { kind: 'ask', until: 10_050 } })).toMatchObject({
      legs: [],
      skipped: [{ reason: 'mass-failure' }],
    });
  });

  it('hold a call in quarantine where the policy has time for it', () => {
    const past = [pastRecovery('ast1', 'ast2', 9_000)];
    const limit = { nodes: 1, withinMs: 60_000 };
    expect(plan({ past, policy: policy({ crashLimit: limit, quarantineMs: 30_000 }) })).toMatchObject({
      legs: [{ legId: leg.legId }],
      hold: { reason: 'call-crashes-nodes', until: 40_000 },
    });
    expect(plan({ past, policy: policy({ crashLimit: limit }) })).toMatchObject({
      legs: [],
      skipped: [{ reason: 'call-crashes-nodes' }],
    });
  });

  it('are what they are for an operator who asks for them', () => {
    const trigger = {
      kind: 'request',
      idempotencyKey: 'k',
      requestedBy: 'alice',
      reason: '',
      at: 10_000,
    } as const;
    const asked = plan({ trigger, restraint: { kind: 'ask', until: 70_000 } });
    expect(asked).toMatchObject({ target: { nodeId: 'ast3' }, legs: [{ legId: leg.legId }] });
    expect(asked?.hold).toBeUndefined();
  });
});
