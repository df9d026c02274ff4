import type { PastRecovery, RecoveryPolicy } from '../../src/index.js';

/** The policy that is built in, for nodes of the group `default`. */
export function policy(change: Partial<RecoveryPolicy> = {}): RecoveryPolicy {
  return {
    confirmed: 'recover',
    early: 'end',
    unsure: { 'creation-unseen': 'skip', 'session-unseen': 'recover' },
    barrierMissed: 'recover',
    targets: ['default'],
    crashLimit: { nodes: 3, withinMs: 60_000 },
    recoveryLimit: { recoveries: 5, withinMs: 600_000 },
    quarantineMs: 0,
    ...change,
  };
}

/** A recovery of the call `a@phone` from one node to another; the re-INVITE was sent 100 ms after the death. */
export function pastRecovery(
  from: string,
  to: string,
  detectedAt: number,
  change: Partial<PastRecovery> = {},
): PastRecovery {
  return {
    callId: 'a@phone',
    nodeId: from,
    incarnation: `life-of-${from}`,
    detectedAt,
    target: to,
    targetIncarnation: `life-of-${to}`,
    takenAt: detectedAt + 100,
    lostTargets: 0,
    ...change,
  };
}
