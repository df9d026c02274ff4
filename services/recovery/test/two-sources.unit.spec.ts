import type { PlanInput, PlanRecovery } from '@reinvite/domain';
import { applyMessage, dialogsOf, emptyCall, parseSip, type Dialog } from '@reinvite/sip';
import { describe, expect, it } from 'vitest';
import { compareDialogs } from '../src/planning/compare-dialogs.js';
import { divideByDoubt } from '../src/planning/unclear.js';
import { leg } from './support/cluster.js';
import { ANSWERED, captured, type Step } from './support/homer-scene.js';

const STARTED_AT = 1_800_000_000_000;

function dialogs(steps: readonly Step[]): Dialog[] {
  return dialogsOf(
    captured('call@phone', steps, STARTED_AT).reduce(
      (call, { source, at, payload }) =>
        applyMessage(call, {
          direction: source.address === '127.0.0.1' ? 'sent' : 'received',
          at,
          nodeId: 'ast1',
          message: parseSip(payload),
        }),
      emptyCall('call@phone'),
    ),
  );
}

describe('two sources of one dialog', () => {
  it('that have seen the same say the same', () => {
    expect(compareDialogs(dialogs(ANSWERED), dialogs(ANSWERED))).toEqual([]);
  });

  it('disagree in every field in which they differ, each with its doubts', () => {
    const [found] = compareDialogs(dialogs(ANSWERED), dialogs(['refresh', 'refreshed']));
    expect(found).toMatchObject({ sipCallId: 'call@phone', localTag: 'ours' });
    expect(found?.fields).toContainEqual({ field: 'routeSet', ledger: '["<sip:10.0.0.1;lr>"]', homer: '[]' });
    expect(found?.fields).toContainEqual({ field: 'remoteCSeq', ledger: '1', homer: '2' });
    expect(found?.unsure.ledger).not.toContain('creation-unseen');
    expect(found?.unsure.homer).toContain('creation-unseen');
  });

  it('do not disagree in what one of them has not seen at all', () => {
    expect(compareDialogs(dialogs(ANSWERED), [])).toEqual([]);
    expect(compareDialogs([], dialogs(ANSWERED))).toEqual([]);
  });
});

describe('a plan from the ledger alone', () => {
  const AT = 1_000_000;

  /** One call of one leg that was skipped for a reason. */
  function divided(reason: string, record: object = {}, trigger: Partial<PlanInput['trigger']> = {}) {
    const legRecord = leg('ast1', 'x', record);
    const call = {
      callId: legRecord.sipCallId,
      kind: 'stasis' as const,
      nodeId: 'ast1',
      incarnation: '1',
      legs: [{ legId: 'x', record: legRecord, place: { kind: 'stasis' as const, app: 'demo' } }],
      strangers: [],
      join: { kind: 'none' as const },
    };
    const input: Pick<PlanInput, 'calls' | 'trigger' | 'at'> = {
      calls: [call],
      trigger: { kind: 'node-down', evidence: 'process-gone', at: AT, ...trigger } as PlanInput['trigger'],
      at: AT + 100,
    };
    const command: PlanRecovery = {
      type: 'PlanRecovery',
      recoveryId: 'r',
      call,
      legs: [],
      skipped: [{ legId: 'x', sipCallId: legRecord.sipCallId, endpoint: 'edge', reason }],
      target: null,
      trigger: input.trigger,
      limits: { maxAttempts: 1, attemptTimeoutMs: 1 },
      at: AT + 100,
    };
    const { clear, unclear } = divideByDoubt([command], input);
    expect(clear.length + unclear.length).toBe(1);
    return unclear.length === 1 ? 'waits' : 'is begun';
  }

  it.each([
    ['dialog-unknown', 'waits'],
    ['dialog-unsure', 'waits'],
    ['dialog-incomplete', 'waits'],
    ['dialog-early', 'waits'],
    ['ledger-unheard', 'waits'],
    ['dialog-ended', 'is begun'],
    ['dialog-elsewhere', 'waits'],
    ['dialog-ambiguous', 'is begun'],
    ['no-continuation', 'is begun'],
    ['policy-forbids', 'is begun'],
    ['call-crashes-nodes', 'is begun'],
  ])('in which a leg is skipped as %s %s', (reason, expected) => {
    expect(divided(reason)).toBe(expected);
  });

  it('does not wait for what is not recovered anyway, or cannot be asked for', () => {
    expect(divided('dialog-early', { state: 'Ringing' })).toBe('is begun');
    expect(divided('dialog-elsewhere', { state: 'Ringing' })).toBe('is begun');
    expect(divided('dialog-unknown', { sipCallId: '' })).toBe('is begun');
    expect(divided('dialog-unknown', {}, { at: AT - 200_000 })).toBe('is begun');
  });
});
