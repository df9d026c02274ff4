import type { RecoveryCommand, RecoveryEvent } from '@reinvite/domain';
import { describe, expect, it } from 'vitest';
import { BatchLoad } from '../src/recoveries/batch-load.js';

const node = (nodeId: string, load: number) => ({
  nodeId,
  incarnation: '1',
  group: 'default',
  load,
  lastResort: false,
});

describe('calls that are decided together', () => {
  it('find nodes as loaded as those before them will make them', () => {
    const load = new BatchLoad();
    const release: RecoveryCommand = {
      type: 'ReleaseHold',
      requestedBy: 'alice',
      reason: 'network is back',
      candidates: [node('ast2', 3), node('ast3', 0)],
      at: 1,
    };
    const started = (target: string, legs: number): RecoveryEvent => ({
      type: 'AttemptStarted',
      recoveryId: 'r',
      callId: 'c',
      nodeId: 'ast1',
      incarnation: '1',
      attempt: 1,
      target,
      targetIncarnation: '1',
      legs: Array.from({ length: legs }, (_, leg) => ({ legId: `${leg}`, channelId: `channel-${leg}` })),
      notAfter: 2,
      deadlineAt: 3,
      at: 1,
    });
    const loads = (): unknown => {
      const command = load.added(release);
      return 'candidates' in command ? command.candidates.map((one) => one.load) : undefined;
    };
    expect(loads()).toEqual([3, 0]);
    load.note([started('ast3', 2)]);
    expect(loads()).toEqual([3, 2]);
    load.note([started('ast3', 2), started('ast2', 1)]);
    expect(loads()).toEqual([4, 4]);
  });
});
