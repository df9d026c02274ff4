import type { Dice } from './dice.js';
import type { Cast, Drawn, Fault, Step } from './fault.js';

/** Who hangs up so soon after a death was about to; later nobody should have to wait any more. */
const PATIENCE_MS = 4_000;
/** How long a part is away where it is stopped or cut off. */
const OUTAGE_MS = 5_000;
/** What is away that every recovery needs: nothing can be begun before it is back. */
const AFTER_OUTAGE_MS = PATIENCE_MS + OUTAGE_MS;
/** Longer than a dead node's calls take to be planned and dialled: a kill in that time falls into their recovery. */
const RECOVERY_MS = 600;
/** A silent node is suspected within two seconds, and a fence from outside is a command that takes its time. */
const AFTER_FENCE_MS = PATIENCE_MS + 3_000;
/** Until a killed service is started again. */
const RESTART_MS = 1_000;
/** Less than the time after which a silent Asterisk is suspected. */
const SHORT_HANG_MS = 400;

/** Processes of each service in the lab; the first is the one that is hurt, or one of them by chance. */
export const REPLICAS = { sentinel: 3, recovery: 2, 'ari-worker': 2 } as const;
export const NATS_SERVERS = 3;

type Replicated = keyof typeof REPLICAS;
const REPLICATED = Object.keys(REPLICAS) as Replicated[];
const SERVICES = [...REPLICATED, 'dialog-ledger'] as const;
type Service = (typeof SERVICES)[number];

const LEDGER_LIMIT =
  'Captures are UDP and never resent: what a phone says while the only dialog-ledger is away nobody has seen, and a call that begins then, or comes back to another node then, is not recovered when that node dies.';

function limitOf(service: Service): Pick<Fault, 'noPromise'> {
  return service === 'dialog-ledger' ? { noPromise: LEDGER_LIMIT } : {};
}

function withArticle(service: Service): string {
  return `${service === 'ari-worker' ? 'an' : 'a'} ${service}`;
}

function processOf(dice: Dice, service: Service): string {
  return service === 'dialog-ledger' ? service : replicaOf(dice, service);
}

function replicaOf(dice: Dice, name: Replicated | 'nats'): string {
  const count = name === 'nats' ? NATS_SERVERS : REPLICAS[name];
  const index = dice.between(1, count);
  return index === 1 ? name : `${name}-${index}`;
}

/** Away from `atMs` on, for so long. */
function killed(target: string, atMs: number, forMs = RESTART_MS): Step[] {
  return [
    { atMs, operation: 'kill', target },
    { atMs: atMs + forMs, operation: 'start', target },
  ];
}

function stopped(target: string, atMs: number, forMs = OUTAGE_MS): Step[] {
  return [
    { atMs, operation: 'stop', target },
    { atMs: atMs + forMs, operation: 'start', target },
  ];
}

function hung(target: string, atMs: number, forMs = OUTAGE_MS): Step[] {
  return [
    { atMs, operation: 'hang', target },
    { atMs: atMs + forMs, operation: 'heal', target },
  ];
}

function nodeKilled(dice: Dice, cast: Cast, steps: readonly Step[] = []): Drawn {
  const target = dice.oneOf(cast.nodes);
  return { dying: [target], steps: inOrder([{ atMs: 0, operation: 'kill', target }, ...steps]) };
}

function harmless(steps: readonly Step[]): Drawn {
  return { dying: [], steps: inOrder(steps) };
}

function inOrder(steps: readonly Step[]): Step[] {
  return [...steps].sort((one, other) => one.atMs - other.atMs);
}

const DEATHS: readonly Fault[] = [
  {
    id: 'node-killed',
    title: 'kill -9 of an Asterisk',
    patienceMs: PATIENCE_MS,
    draw: (dice, cast) => nodeKilled(dice, cast),
  },
  {
    id: 'node-hung',
    title: 'SIGSTOP of an Asterisk for longer than the limit: it is fenced',
    patienceMs: AFTER_FENCE_MS,
    draw: (dice, cast) => {
      const target = dice.oneOf(cast.nodes);
      return { dying: [target], steps: [{ atMs: 0, operation: 'hang', target }] };
    },
  },
  {
    id: 'node-cut',
    title: 'the network of a node is cut: it is fenced from outside',
    patienceMs: AFTER_FENCE_MS,
    draw: (dice, cast) => {
      const target = dice.oneOf(cast.nodes);
      return { dying: [target], steps: [{ atMs: 0, operation: 'cut', target }] };
    },
  },
  {
    id: 'target-killed-in-recovery',
    title: 'kill -9 of an Asterisk, and of another one while the calls come back',
    patienceMs: PATIENCE_MS,
    draw: (dice, cast) => {
      const [first = '', second = ''] = dice.shuffled(cast.nodes);
      return {
        dying: [first, second],
        steps: [
          { atMs: 0, operation: 'kill', target: first },
          { atMs: dice.between(50, RECOVERY_MS), operation: 'kill', target: second },
        ],
      };
    },
  },
  ...SERVICES.map((service): Fault => ({
    id: `${service}-killed-in-recovery`,
    title: `kill -9 of an Asterisk, and of ${withArticle(service)} while the calls come back; started again`,
    patienceMs: PATIENCE_MS,
    ...limitOf(service),
    draw: (dice, cast) =>
      nodeKilled(dice, cast, killed(processOf(dice, service), dice.between(0, RECOVERY_MS))),
  })),
  ...REPLICATED.map((service): Fault => ({
    id: `${service}-lost-in-recovery`,
    title: `kill -9 of an Asterisk, and of ${withArticle(service)} while the calls come back; a replica goes on alone`,
    patienceMs: PATIENCE_MS,
    draw: (dice, cast) =>
      nodeKilled(dice, cast, [
        { atMs: dice.between(0, RECOVERY_MS), operation: 'kill', target: replicaOf(dice, service) },
      ]),
  })),
  {
    id: 'two-killed-in-recovery',
    title: 'kill -9 of an Asterisk, and of two services at once while the calls come back; started again',
    patienceMs: PATIENCE_MS,
    draw: (dice, cast) => {
      const atMs = dice.between(0, RECOVERY_MS);
      const two = dice.shuffled(REPLICATED).slice(0, 2);
      return nodeKilled(
        dice,
        cast,
        two.flatMap((service) => killed(replicaOf(dice, service), atMs)),
      );
    },
  },
  {
    id: 'agent-killed-with-node',
    title: 'kill -9 of an Asterisk and of its node-agent at once',
    patienceMs: AFTER_FENCE_MS,
    draw: (dice, cast) => {
      const target = dice.oneOf(cast.nodes);
      return {
        dying: [target],
        steps: [
          { atMs: 0, operation: 'kill', target },
          { atMs: 0, operation: 'kill', target: `node-agent-${target}` },
        ],
      };
    },
  },
  {
    id: 'nats-stopped-in-recovery',
    title: 'kill -9 of an Asterisk, and one of three NATS servers stops for 5 s while the calls come back',
    patienceMs: PATIENCE_MS,
    draw: (dice, cast) =>
      nodeKilled(dice, cast, stopped(replicaOf(dice, 'nats'), dice.between(0, RECOVERY_MS))),
  },
  {
    id: 'postgres-stopped-in-recovery',
    title: 'kill -9 of an Asterisk, and Postgres stops for 5 s while the calls come back',
    patienceMs: AFTER_OUTAGE_MS,
    draw: (dice, cast) => nodeKilled(dice, cast, stopped('postgres', dice.between(0, RECOVERY_MS))),
  },
];

const HARMLESS: readonly Fault[] = [
  ...SERVICES.map((service): Fault => ({
    id: `${service}-restarted`,
    title: `kill -9 of ${withArticle(service)}, and its restart`,
    patienceMs: PATIENCE_MS,
    ...limitOf(service),
    draw: (dice) => harmless(killed(processOf(dice, service), 0)),
  })),
  {
    id: 'agent-restarted',
    title: 'kill -9 of a node-agent, and its restart',
    patienceMs: PATIENCE_MS,
    draw: (dice, cast) => harmless(killed(`node-agent-${dice.oneOf(cast.nodes)}`, 0)),
  },
  {
    id: 'node-hung-shortly',
    title: `an Asterisk stands still for ${SHORT_HANG_MS} ms, less than the limit`,
    patienceMs: PATIENCE_MS,
    draw: (dice, cast) => harmless(hung(dice.oneOf(cast.nodes), 0, SHORT_HANG_MS)),
  },
  {
    id: 'sentinel-hung',
    title: 'SIGSTOP of a sentinel for 5 s',
    patienceMs: PATIENCE_MS,
    draw: (dice) => harmless(hung(replicaOf(dice, 'sentinel'), 0)),
  },
  {
    id: 'nats-stopped',
    title: 'all three NATS servers stop for 5 s',
    patienceMs: PATIENCE_MS,
    draw: () => harmless(['nats', 'nats-2', 'nats-3'].flatMap((target) => stopped(target, 0))),
  },
  {
    id: 'nats-server-lost',
    title: 'kill -9 of one of three NATS servers, back after 5 s',
    patienceMs: PATIENCE_MS,
    draw: (dice) => harmless(killed(replicaOf(dice, 'nats'), 0, OUTAGE_MS)),
  },
  {
    id: 'postgres-stopped',
    title: 'Postgres stops for 5 s',
    patienceMs: PATIENCE_MS,
    draw: () => harmless(stopped('postgres', 0)),
  },
  {
    id: 'postgres-hung',
    title: 'SIGSTOP of the Postgres server for 5 s',
    patienceMs: PATIENCE_MS,
    draw: () => harmless(hung('postgres', 0)),
  },
  {
    id: 'recovery-cut-off',
    title: 'a recovery is cut off from Postgres for 5 s',
    patienceMs: PATIENCE_MS,
    draw: (dice) => {
      const target = replicaOf(dice, 'recovery');
      return harmless([
        { atMs: 0, operation: 'cut', target, from: 'postgres' },
        { atMs: OUTAGE_MS, operation: 'heal', target },
      ]);
    },
  },
];

/** Every kind of fault, in the order of the table. */
export const FAULTS: readonly Fault[] = [...DEATHS, ...HARMLESS];

/** @throws RangeError for an id that no fault has. */
export function faultOf(id: string): Fault {
  const found = FAULTS.find((fault) => fault.id === id);
  if (found === undefined) throw new RangeError(`there is no fault "${id}"`);
  return found;
}

/** Whether a fault of that id ends a node. */
export function isDeadly(id: string): boolean {
  return DEATHS.some((fault) => fault.id === id);
}
