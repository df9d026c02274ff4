import {
  channelIdOf,
  commandIdOf,
  type Candidate,
  type PlannedLeg,
  type PlanRecovery,
  type RecordFact,
  type RestoreFact,
} from '../../src/index.js';

export const recoveryId = 'a'.repeat(20);
export const limits = { maxAttempts: 2, attemptTimeoutMs: 8_000 };

export function candidate(
  nodeId: string,
  load = 0,
  lastResort = false,
  change: Partial<Candidate> = {},
): Candidate {
  return { nodeId, incarnation: `life-of-${nodeId}`, group: 'default', load, lastResort, ...change };
}

export function plannedLeg(legId: string, change: Partial<PlannedLeg> = {}): PlannedLeg {
  return {
    legId,
    sipCallId: `${legId}@phone`,
    endpoint: 'edge',
    place: { kind: 'stasis', app: 'demo' },
    dialog: { PJSIP_RECOVERY_REQUEST_URI: 'sip:phone@10.0.0.9:5060' },
    callerId: '',
    accountCode: '',
    language: 'en',
    ...change,
  };
}

/** Legs named `leg-0`, `leg-1`, … joined in an ARI bridge where there are several. */
export function planRecovery(legs: number, change: Partial<PlanRecovery> = {}): PlanRecovery {
  return {
    type: 'PlanRecovery',
    recoveryId,
    call: {
      callId: 'call-1',
      kind: legs > 1 ? 'ari-bridge' : 'stasis',
      nodeId: 'ast1',
      incarnation: '1000',
      join:
        legs > 1
          ? { kind: 'ari-bridge', bridgeId: 'bridge-1', bridgeType: 'mixing', name: '' }
          : { kind: 'none' },
    },
    legs: Array.from({ length: legs }, (_, n) => plannedLeg(`leg-${n}`)),
    skipped: [],
    target: candidate('ast2'),
    trigger: { kind: 'node-down', evidence: 'process-gone', at: 9_990 },
    limits,
    at: 10_000,
    ...change,
  };
}

export const candidates = [candidate('ast2'), candidate('ast3')];

/** The command to note a fact; `candidates` as above unless told. */
export function record(fact: RestoreFact, among: readonly Candidate[] = candidates): RecordFact {
  return { type: 'RecordFact', fact, candidates: among, at: fact.at };
}

/** What an ari-worker says of an attempt. */
export function factsOf(attempt: number, target: string, at = 10_100) {
  const base = {
    commandId: commandIdOf(recoveryId, attempt),
    recoveryId,
    callId: 'call-1',
    attempt,
    target,
    at,
  };
  const ofLeg = (leg: number) => ({
    ...base,
    legId: `leg-${leg}`,
    channelId: channelIdOf(recoveryId, leg, attempt),
  });
  return {
    channelOf: (leg: number): string => ofLeg(leg).channelId,
    originated: (leg: number): RestoreFact => ({ ...ofLeg(leg), type: 'LegOriginated' }),
    answered: (leg: number): RestoreFact => ({ ...ofLeg(leg), type: 'LegAnswered' }),
    refused: (
      leg: number,
      sent: boolean,
      reason = sent ? 'REINVITE_REJECTED' : 'TARGET_UNREACHABLE',
    ): RestoreFact => ({
      ...ofLeg(leg),
      type: 'LegRefused',
      sent,
      cause: sent ? 21 : null,
      reason,
    }),
    joined: (): RestoreFact => ({ ...base, type: 'LegsJoined', bridgeId: 'bridge-1' }),
    joinFailed: (): RestoreFact => ({ ...base, type: 'JoinFailed', reason: 'ARI_REQUEST_FAILED' }),
  };
}
