import { randomUUID } from 'node:crypto';
import { subjects } from '@reinvite/bus';
import { fenceRequest, type Heartbeat } from '@reinvite/domain';
import {
  CallObserver,
  CallPicture,
  FactStream,
  fence,
  Lives,
  reportDeath,
  Tenant,
  type Life as MetLife,
  type Processes,
} from '@reinvite/node-agent/logic';
import { SimulatedAri } from '../asterisk/connection.js';
import type { Life } from '../asterisk/life.js';
import type { Node } from '../asterisk/node.js';
import { SimulatedBus } from '../bus/client.js';
import { Process } from '../world/process.js';
import { startGuard } from './guard.js';
import type { Services } from './services.js';

const APP = 'reinvite-agent';
const LOOK_MS = 25;
const LINGER_MS = 20;
/** Asterisk leaves a question open for so long until its agent says so. */
const UNRESPONSIVE_MS = 1_000;
/** Before a fence Asterisk has so long to give a sign of life. */
const WELL_MS = 500;
const LOOK_AGAIN_MS = 10;

/** The agent of one node, with the real fact stream, lives, fence, lease and report of a death; what Asterisk answers it is the ground truth. */
export function startAgent({ world, nats, config, wrong }: Services, node: Node): Process {
  const process = new Process(world, `agent-${node.id}`, node.id);
  const { log, signal } = process;
  const { machine } = node;
  const bus = new SimulatedBus(process, nats);
  const ari = new SimulatedAri(process, node);

  const newLife = (info: MetLife['info'], identity: MetLife['process']): MetLife => {
    const { incarnation } = info;
    const picture = new CallPicture(node.id, incarnation);
    const facts = new FactStream({
      publish: async (fact, id) => (await bus.publishInOrder(subjects.callFact(node.id), fact, id)).seq,
      newId: randomUUID,
      now: Date.now,
      lingerMs: LINGER_MS,
      current: () => picture.facts(),
      nodeId: node.id,
      incarnation,
      log,
      signal,
    });
    return { info, process: identity, picture, facts };
  };
  const lives = new Lives({
    process: machine,
    processes: machine,
    newLife,
    onOver: (life) => {
      const seen = { at: Date.now(), mono: performance.now() };
      void reportDeath(life, node.id, seen, bus, log, signal);
    },
    log,
    signal,
  });
  const beat = beatOf(node, lives, config.nodeAgent.heartbeatMs);

  new CallObserver(
    ari.connection,
    APP,
    (info) => lives.meet(info),
    log,
    signal,
    () => undefined,
  ).start();
  ari.on('down', () => lives.look());
  const killing = machine.processes(() => ({ by: 'lease', troubleAt: node.troubles.leaseAt }));
  const processes = wrong.noLease ? { ...killing, kill: () => undefined } : killing;
  const tenant = rentFor({ process, node, lives, bus, processes }, config.nodeAgent.lease);
  const timers = [
    setInterval(() => {
      lives.look();
      tenant?.look();
    }, LOOK_MS),
    setInterval(() => bus.publish(subjects.heartbeat(node.id), beat()), config.nodeAgent.heartbeatMs),
  ];
  process.onKilled(() => timers.forEach(clearInterval));
  bus.respond(
    subjects.fence(node.id),
    fenceRequest,
    (request) =>
      fence(request, {
        nodeId: node.id,
        lives,
        process: machine,
        processes: machine.processes(() => ({
          by: 'agent',
          declaredDown: request.declaredDown === true,
          majorityAt: node.troubles.majorityAt,
        })),
        isWell: () => isWell(node.life, lives),
        nobodyListens: async () => node.life?.isAlive() !== true,
        log,
      }),
    () => ({ fenced: false, incarnation: 'unknown', reason: 'the agent failed', lastFactSeq: null }),
  );
  return process;
}

interface Tenancy {
  readonly process: Process;
  readonly node: Node;
  readonly lives: Lives;
  readonly bus: SimulatedBus;
  readonly processes: Processes;
}

function rentFor(
  { process, node, lives, bus, processes }: Tenancy,
  { enabled, ms }: Services['config']['nodeAgent']['lease'],
): Tenant | undefined {
  if (!enabled) return undefined;
  const { machine } = node;
  return new Tenant({
    nodeId: node.id,
    leaseMs: ms,
    file: 'the lease file',
    bus,
    life: () => {
      const { current } = lives;
      if (current?.process === undefined || lives.isCurrentOver) return undefined;
      return { incarnation: current.info.incarnation, process: current.process };
    },
    log: process.log,
    machine: {
      store: machine.leaseStore,
      processes,
      startGuard: (_file, name) => startGuard(process, node, name, processes),
      mono: process.mono,
    },
  });
}

/** What it tells of its Asterisk. */
function beatOf(node: Node, lives: Lives, intervalMs: number): () => Heartbeat {
  let hungSince: number | undefined;
  return () => {
    const { life } = node;
    const isOver = life?.isAlive() !== true;
    hungSince = !isOver && life.hung ? (hungSince ?? performance.now()) : undefined;
    const unresponsive = hungSince !== undefined && performance.now() - hungSince > UNRESPONSIVE_MS;
    const hungMs = hungSince === undefined ? 0 : Math.round(performance.now() - hungSince);
    const { current } = lives;
    const isMet = current !== undefined && !lives.isCurrentOver;
    const asterisk = isOver ? 'down' : unresponsive ? 'unresponsive' : isMet ? 'up' : 'starting';
    return {
      type: 'Heartbeat',
      nodeId: node.id,
      incarnation: asterisk === 'starting' ? null : (current?.info.incarnation ?? null),
      at: Date.now(),
      intervalMs,
      asterisk,
      liveChannels: isMet ? current.picture.liveLegs : 0,
      recoveryModule: asterisk === 'up',
      ...(isOver ? {} : { silences: { ariMs: hungMs, sipMs: hungMs, tasksMs: hungMs } }),
    };
  };
}

/** Whether its Asterisk gives a sign of life within the time. */
async function isWell(life: Life | undefined, lives: Lives): Promise<boolean> {
  if (life === undefined || lives.isCurrentOver) return false;
  for (let waited = 0; life.isAlive() && waited < WELL_MS; waited += LOOK_AGAIN_MS) {
    if (!life.hung) return true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  return life.isAlive() && !life.hung;
}
