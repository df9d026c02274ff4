import type { AlarmKind, NodeDown, RestoreCall, RestoreFact } from '@reinvite/domain';

/**
 * Every NATS subject of Reinvite. A trailing token names the node (or the recovery) so that an account can be allowed
 * its own subjects only.
 */
export const subjects = {
  /** Core NATS, node-agent → sentinel, ari-worker, recovery: `Heartbeat`. */
  heartbeat: (nodeId: string) => `reinvite.heartbeat.${nodeId}`,
  /** Request, node-agent → sentinel: `ProcessGone`, answered once it is recorded. */
  processGone: (nodeId: string) => `reinvite.gone.${nodeId}`,
  /** Request, sentinel → node-agent: kill your Asterisk and say so. */
  fence: (nodeId: string) => `reinvite.fence.${nodeId}`,
  /** JetStream, node-agent → recovery: `CallFact`. */
  callFact: (nodeId: string) => `reinvite.call.fact.${nodeId}`,
  /** JetStream, sentinel → recovery: `NodeDown`. */
  nodeDown: (nodeId: NodeDown['nodeId']) => `reinvite.node.down.${nodeId}`,
  /** JetStream work queue, recovery → ari-worker: `RestoreCall`. */
  restoreCommand: (target: RestoreCall['target']) => `reinvite.restore.command.${target}`,
  /** JetStream, ari-worker → recovery: `RestoreFact`. */
  restoreFact: (target: RestoreFact['target']) => `reinvite.restore.fact.${target}`,
  /** JetStream work queue, recovery → whichever replica of it: `EndEarlyDialogs`. */
  endEarly: 'reinvite.early.end',
  /** Core NATS, a sentinel to itself: what does not come back says that the sentinel cannot hear. */
  sentinelEcho: (sentinelId: string) => `reinvite.sentinel.echo.${sentinelId}`,
  /** Request, a sentinel → every sentinel: `VoteRequest`, answered with `Vote`. */
  sentinelVote: 'reinvite.sentinel.vote',
  /** Request, node-agent → every sentinel: `LeaseRequest`, answered with `LeaseReply`. */
  lease: (nodeId: string) => `reinvite.lease.${nodeId}`,
  /** Request, recovery → every dialog-ledger: write what has arrived, then answer. */
  ledgerBarrier: 'reinvite.ledger.barrier',
  /** Request, anyone → every dialog-ledger: `LedgerStatusRequest`, answered with `LedgerStatus`. */
  ledgerStatus: 'reinvite.ledger.status',
  /** Request, anyone → recovery: `RecoveryRequest`, answered with `RecoveryReply`. */
  recoveryRequest: 'reinvite.recovery.request',
  /** Request, an ARI application → recovery: `FlowPut`, answered with `FlowPutReply`. */
  flowPut: 'reinvite.flow.put',
  /** Request, an ARI application → recovery: `FlowGet`, answered with `FlowGetReply`. */
  flowGet: 'reinvite.flow.get',
  /** Request, an ARI application → recovery: `FlowEffect`, answered with `FlowEffectReply`. */
  flowEffect: 'reinvite.flow.effect',
  /** Core NATS, recovery and sentinel → whoever watches: `Alarm`. */
  alarm: (kind: AlarmKind) => `reinvite.alarm.${kind}`,
  /** Request, operator → recovery: `OperatorCommand`, answered with `OperatorReply`. */
  operatorRecovery: 'reinvite.operator.recovery',
  /** Request, operator → sentinel: `DeclareDown`, answered with `DeclareDownReply`. */
  operatorNode: 'reinvite.operator.node',
  /** Request, anyone → every sentinel: `AskSentinelStatus`, answered with `SentinelStatus`. */
  sentinelStatus: 'reinvite.sentinel.status',
} as const;

const DAY_NS = 24 * 3600 * 1e9;

/** The JetStream streams; created or updated by whichever service comes first. */
export const streams = {
  callFacts: {
    name: 'REINVITE_CALL_FACTS',
    subjects: ['reinvite.call.fact.*'],
    maxAgeNs: 2 * DAY_NS,
    workQueue: false,
  },
  nodeEvents: {
    name: 'REINVITE_NODE_EVENTS',
    subjects: ['reinvite.node.down.*'],
    maxAgeNs: 7 * DAY_NS,
    workQueue: false,
  },
  restoreCommands: {
    name: 'REINVITE_RESTORE_COMMANDS',
    subjects: ['reinvite.restore.command.*'],
    maxAgeNs: DAY_NS,
    workQueue: true,
  },
  earlyDialogs: {
    name: 'REINVITE_EARLY_DIALOGS',
    subjects: ['reinvite.early.end'],
    maxAgeNs: DAY_NS,
    workQueue: true,
  },
  restoreFacts: {
    name: 'REINVITE_RESTORE_FACTS',
    subjects: ['reinvite.restore.fact.*'],
    maxAgeNs: 2 * DAY_NS,
    workQueue: false,
  },
} as const;

export type StreamKey = keyof typeof streams;
