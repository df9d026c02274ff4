import type { NodeConfig } from '@reinvite/runtime';
import { streams, subjects, type StreamKey } from './subjects.js';

/** What one account of NATS may do, and nothing beside it. Subjects with NATS' own wildcards. */
export interface Permissions {
  /** Whose account it is, in a line for the reviewer of the server's configuration. */
  readonly about: string;
  readonly publish: readonly string[];
  /** Beside the account's own inbox. */
  readonly subscribe: readonly string[];
  /** Whether it answers requests: to the inbox that a message names, twice at most, for {@link ANSWER_WITHIN}. */
  readonly answers: boolean;
  /** Streams that must be there before it can work. */
  readonly streams: readonly StreamKey[];
}

/** Longer than any request is waited for; see `reinvite request`. */
export const ANSWER_WITHIN = '2m';
/** The answer, and the refusal in its place where it could not be sent. */
export const ANSWERS = 2;

const ANY = '*';
/** Any kind of alarm. */
const ALARMS = 'reinvite.alarm.*';

/**
 * Every account, for these nodes. This table is the whole of what may be said on NATS by whom: the server's configuration is
 * made from it (`reinvite nats-config`), and the tests run on exactly that.
 *
 * 1. A node-agent speaks for its own node alone.
 * 2. Only recovery gives commands. Only it acts on the word that a node is down, which a sentinel says; recovery may
 *    publish it too, for a sentinel that died between recording and publishing it.
 * 3. Only `migrate` creates or changes streams; nobody deletes one, or a message in it.
 */
export function permissions(nodes: readonly Pick<NodeConfig, 'id'>[]): ReadonlyMap<string, Permissions> {
  return new Map<string, Permissions>([
    ...nodes.map(({ id }) => [nodeAgentAccount(id), nodeAgent(id)] as const),
    ['dialog-ledger', DIALOG_LEDGER],
    ['sentinel', SENTINEL],
    ['recovery', RECOVERY],
    ['ari-worker', ARI_WORKER],
    ['migrate', MIGRATE],
    ['requester', REQUESTER],
    ['operator', OPERATOR],
    ['observer', OBSERVER],
    ['application', APPLICATION],
  ]);
}

/** The streams that an account cannot work without. */
export function streamsOf(account: string): readonly StreamKey[] {
  // Whatever the node's id, it is the same for every agent.
  return account.startsWith(nodeAgentAccount(''))
    ? nodeAgent('').streams
    : (permissions([]).get(account)?.streams ?? []);
}

/** The account of the agent beside one node. */
export function nodeAgentAccount(nodeId: string): string {
  return `node-agent-${nodeId}`;
}

function nodeAgent(id: string): Permissions {
  return {
    about: `beside ${id}: tells of it alone`,
    publish: [
      subjects.heartbeat(id),
      subjects.processGone(id),
      subjects.lease(id),
      subjects.callFact(id),
      ...stateOf('callFacts'),
    ],
    subscribe: [subjects.fence(id)],
    answers: true,
    streams: ['callFacts'],
  };
}

const DIALOG_LEDGER: Permissions = {
  about: 'answers for the dialogs that it holds',
  // To see whether another has its name.
  publish: [subjects.ledgerStatus],
  subscribe: [subjects.ledgerBarrier, subjects.ledgerStatus],
  answers: true,
  streams: [],
};

const SENTINEL: Permissions = {
  about: 'hears the nodes, fences them, and says that one is down',
  publish: [
    subjects.nodeDown(ANY),
    subjects.fence(ANY),
    subjects.sentinelEcho(ANY),
    subjects.sentinelVote,
    ALARMS,
    ...stateOf('nodeEvents'),
  ],
  subscribe: [
    subjects.heartbeat(ANY),
    subjects.processGone(ANY),
    subjects.sentinelEcho(ANY),
    subjects.sentinelVote,
    subjects.lease(ANY),
    subjects.operatorNode,
    subjects.sentinelStatus,
  ],
  answers: true,
  streams: ['nodeEvents'],
};

const RECOVERY: Permissions = {
  about: 'reads what the others tell, plans, and alone gives commands',
  publish: [
    subjects.restoreCommand(ANY),
    subjects.nodeDown(ANY),
    subjects.endEarly,
    subjects.ledgerBarrier,
    ALARMS,
    ...tails('callFacts'),
    ...tails('nodeEvents'),
    ...consumes('nodeEvents', 'recovery'),
    ...consumes('restoreFacts', 'recovery'),
    ...consumes('earlyDialogs', 'recovery'),
    ...stateOf('restoreCommands'),
  ],
  subscribe: [
    subjects.heartbeat(ANY),
    subjects.recoveryRequest,
    subjects.operatorRecovery,
    subjects.flowPut,
    subjects.flowGet,
    subjects.flowEffect,
  ],
  answers: true,
  streams: ['callFacts', 'nodeEvents', 'restoreCommands', 'restoreFacts', 'earlyDialogs'],
};

const ARI_WORKER: Permissions = {
  about: 'takes commands, and tells what became of them',
  publish: [
    subjects.restoreFact(ANY),
    ...consumes('restoreCommands', 'ari-worker'),
    ...stateOf('restoreFacts'),
  ],
  subscribe: [],
  answers: false,
  streams: ['restoreCommands', 'restoreFacts'],
};

const MIGRATE: Permissions = {
  about: 'reinvite migrate: creates and updates the streams, and reads none',
  publish: [
    '$JS.API.INFO',
    '$JS.API.STREAM.NAMES',
    ...Object.values(streams).flatMap(({ name }) => [
      `$JS.API.STREAM.INFO.${name}`,
      `$JS.API.STREAM.CREATE.${name}`,
      `$JS.API.STREAM.UPDATE.${name}`,
    ]),
  ],
  subscribe: [],
  answers: false,
  streams: [],
};

const REQUESTER: Permissions = {
  about: 'reinvite request: asks for recoveries, and nothing else',
  publish: [subjects.recoveryRequest],
  subscribe: [],
  answers: false,
  streams: [],
};

const OPERATOR: Permissions = {
  about: "a person's: requests, stop and resume, a node declared down, and what goes on",
  publish: [
    subjects.recoveryRequest,
    subjects.operatorRecovery,
    subjects.operatorNode,
    subjects.sentinelStatus,
    subjects.ledgerStatus,
  ],
  subscribe: [ALARMS],
  answers: false,
  streams: [],
};

const OBSERVER: Permissions = {
  about: 'monitoring: alarms, heartbeats and status',
  publish: [subjects.sentinelStatus, subjects.ledgerStatus],
  subscribe: [ALARMS, subjects.heartbeat(ANY)],
  answers: false,
  streams: [],
};

const APPLICATION: Permissions = {
  about: 'an ARI application: keeps the state of its calls with recovery, and nothing else',
  publish: [subjects.flowPut, subjects.flowGet, subjects.flowEffect],
  subscribe: [],
  answers: false,
  streams: [],
};

/** To see whether a stream is there, and where it stands. */
function stateOf(stream: StreamKey): string[] {
  return ['$JS.API.INFO', `$JS.API.STREAM.INFO.${streams[stream].name}`];
}

/** To share a stream's messages under one durable name. */
function consumes(stream: StreamKey, durable: string): string[] {
  const { name } = streams[stream];
  return [
    ...stateOf(stream),
    `$JS.API.CONSUMER.CREATE.${name}.${durable}`,
    `$JS.API.CONSUMER.CREATE.${name}.${durable}.>`,
    `$JS.API.CONSUMER.INFO.${name}.${durable}`,
    `$JS.API.CONSUMER.MSG.NEXT.${name}.${durable}`,
    `$JS.ACK.${name}.${durable}.>`,
    // With the domain and the account in front, as servers from 2.14 on may have it.
    `$JS.ACK.*.*.${name}.${durable}.>`,
  ];
}

/** To read a stream in order: the client makes consumers of its own for that, with names of its own. */
function tails(stream: StreamKey): string[] {
  const { name } = streams[stream];
  return [
    ...stateOf(stream),
    `$JS.API.CONSUMER.CREATE.${name}.>`,
    `$JS.API.CONSUMER.INFO.${name}.*`,
    `$JS.API.CONSUMER.MSG.NEXT.${name}.*`,
    `$JS.API.CONSUMER.DELETE.${name}.*`,
  ];
}
