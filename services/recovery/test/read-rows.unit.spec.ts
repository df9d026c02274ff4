import {
  advance,
  decide,
  newRecovery,
  type PlanRecovery,
  type RecoveryCommand,
  type RecoveryEvent,
  type RestoreFact,
} from '@reinvite/domain';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../src/recoveries/read-rows.js';

const recoveryId = 'a'.repeat(20);
const place = { kind: 'dial-callee' } as const;
const command: PlanRecovery = {
  type: 'PlanRecovery',
  recoveryId,
  call: { callId: 'call-1', kind: 'dial', nodeId: 'ast1', incarnation: '1000', join: { kind: 'dialplan' } },
  legs: [0, 1].map((n) => ({
    legId: `leg-${n}`,
    sipCallId: `sip-${n}`,
    endpoint: 'edge',
    place,
    dialog: { PJSIP_RECOVERY_CSEQ: '12' },
    callerId: '',
    accountCode: '',
    language: 'en',
  })),
  skipped: [{ legId: 'leg-2', sipCallId: 'sip-2', endpoint: 'edge', reason: 'dialog-early' }],
  target: { nodeId: 'ast2', incarnation: '2000' },
  trigger: { kind: 'node-down', evidence: 'process-gone', at: 900 },
  limits: { maxAttempts: 2, attemptTimeoutMs: 8_000 },
  at: 1_000,
};

/** The rows that the last of these commands changes. */
function rowsAfter(...facts: (RestoreFact | 'time-out' | 'death')[]) {
  let snapshot = newRecovery();
  let events: RecoveryEvent[] = decide(command, snapshot.context.recovery);
  for (const fact of facts) {
    snapshot = advance(snapshot, events).snapshot;
    events = decide(commandFor(fact), snapshot.context.recovery);
  }
  const { recovery } = advance(snapshot, events).snapshot.context;
  if (recovery.phase === 'unplanned') throw new Error('not planned');
  return rowsOf(recovery.plan, events, recovery);
}

function commandFor(told: RestoreFact | 'time-out' | 'death'): RecoveryCommand {
  const at = 9_000;
  if (told === 'time-out') return { type: 'TimeOutAttempt', attempt: 1, at };
  if (told !== 'death') return { type: 'RecordFact', fact: told, candidates: [], at };
  const target = { nodeId: 'ast2', incarnation: '2000' };
  return { type: 'TargetDied', ...target, takenOver: new Set(), ended: new Set(), candidates: [], at };
}

const fact = (type: 'LegOriginated' | 'LegAnswered', leg: number, at: number): RestoreFact => ({
  type,
  commandId: `${recoveryId}-1`,
  recoveryId,
  callId: 'call-1',
  attempt: 1,
  target: 'ast2',
  legId: `leg-${leg}`,
  channelId: `reinvite-${recoveryId}-${leg}-1`,
  at,
});

describe('the read side of a recovery', () => {
  it('shows the plan: where the call goes, what is tried and what is skipped', () => {
    const { recovery, legs } = rowsAfter();
    expect(recovery).toMatchObject({
      call_kind: 'dial',
      target: 'ast2',
      attempts: 1,
      detected_at: 900,
      planned_at: 1_000,
      outcome: null,
    });
    expect(legs.map((leg) => [leg.leg_id, leg.attempt, leg.outcome, leg.reason])).toEqual([
      ['leg-2', 0, 'skipped', 'dialog-early'],
      ['leg-0', 1, null, null],
      ['leg-1', 1, null, null],
    ]);
    expect(legs[1]).toMatchObject({
      channel_id: `reinvite-${recoveryId}-0-1`,
      cseq: 12,
      origin: place,
      sip_call_id: 'sip-0',
    });
  });

  it('shows when a leg was sent and answered', () => {
    expect(rowsAfter(fact('LegOriginated', 0, 1_050)).recovery.first_originated_at).toBe(1_050);
    const { recovery, legs } = rowsAfter(fact('LegAnswered', 1, 1_100));
    expect(recovery.answered_at).toBe(1_100);
    expect(legs).toMatchObject([{ leg_id: 'leg-1', attempt: 1, outcome: 'recovered', answered_at: 1_100 }]);
  });

  it('shows the outcome, and that nothing was heard of a leg', () => {
    const { recovery, legs } = rowsAfter(fact('LegAnswered', 1, 1_100), 'time-out');
    expect(recovery).toMatchObject({
      outcome: 'partly-recovered',
      reason: 'attempt-timed-out',
      completed_at: 9_000,
    });
    expect(legs).toMatchObject([{ leg_id: 'leg-0', outcome: 'failed', reason: 'attempt-timed-out' }]);
  });

  it('shows that a leg was lost with the node that it was given to', () => {
    const { recovery, legs } = rowsAfter(fact('LegOriginated', 0, 1_050), 'death');
    expect(recovery).toMatchObject({ outcome: 'failed', reason: 'target-lost' });
    expect(legs.map((leg) => [leg.leg_id, leg.outcome, leg.reason])).toEqual([
      ['leg-0', 'failed', 'target-lost'],
      ['leg-1', 'failed', 'target-lost'],
    ]);
  });

  it('shows that a leg which had come back was lost again with that node, nobody else having it', () => {
    const { legs } = rowsAfter(fact('LegAnswered', 1, 1_100), 'death');
    expect(legs.map((leg) => [leg.leg_id, leg.outcome, leg.reason])).toEqual(
      expect.arrayContaining([['leg-1', 'failed', 'target-lost']]),
    );
  });
});
