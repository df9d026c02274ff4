import { decide, unplanned, type PlanRecovery, type RecoveryEvent } from '@reinvite/domain';
import type { StoredEvent } from '@reinvite/event-store';
import { createLogger } from '@reinvite/runtime';
import { beforeEach, describe, expect, it } from 'vitest';
import { Machines } from '../src/recoveries/machines.js';

/** As many as are kept in memory. */
const KEPT = 5_000;

const plan: PlanRecovery = {
  type: 'PlanRecovery',
  recoveryId: 'any',
  call: { callId: 'call', kind: 'stasis', nodeId: 'ast1', incarnation: '1', join: { kind: 'none' } },
  legs: [],
  skipped: [{ legId: 'leg', sipCallId: 'leg@phone', endpoint: 'edge', reason: 'early-dialog' }],
  target: null,
  trigger: { kind: 'node-down', evidence: 'process-gone', at: 1 },
  limits: { maxAttempts: 2, attemptTimeoutMs: 8_000 },
  at: 1,
};

const events = decide(plan, unplanned).map((event, index): StoredEvent<RecoveryEvent> => ({
  id: `event-${index}`,
  streamId: 'any',
  event,
  version: index + 1,
  metadata: {},
  recordedAt: new Date(0),
}));

describe('the machines of many recoveries', () => {
  const store = {
    readStreams: async (ids: readonly string[]) => new Map(ids.map((id) => [id, events])),
  };
  const named = (count: number): string[] => Array.from({ length: count }, (_, n) => `recovery-${n}`);
  let machines: Machines;

  beforeEach(() => {
    machines = new Machines(store, createLogger('test', 'silent'));
  });

  it('are all given, also where they are more than are kept', async () => {
    const ids = named(KEPT + 1_000);
    expect([...(await machines.load(ids)).keys()]).toEqual(ids);
  });

  it('are all given where one that is read takes the place of one that was kept', async () => {
    await machines.load(named(KEPT));
    expect([...(await machines.load(['recovery-0', 'new'])).keys()]).toEqual(['recovery-0', 'new']);
    expect(machines.keeps('recovery-0')).toBe(false);
  });
});
