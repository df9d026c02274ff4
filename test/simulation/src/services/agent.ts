import { randomUUID } from 'node:crypto';
import { subjects } from '@reinvite/bus';
import {
  fenceRequest,
  type FactsTold,
  type FenceReply,
  type FenceRequest,
  type Heartbeat,
} from '@reinvite/domain';
import {
  CallObserver,
  CallPicture,
  FactStream,
  reportDeath,
  type Life as MetLife,
} from '@reinvite/node-agent/logic';
import { SimulatedAri } from '../asterisk/connection.js';
import type { Life } from '../asterisk/life.js';
import type { Node } from '../asterisk/node.js';
import { SimulatedBus } from '../bus/client.js';
import { Process } from '../world/process.js';
import type { Services } from './services.js';

const APP = 'reinvite-agent';
const LOOK_MS = 25;
const LINGER_MS = 20;
/** Asterisk leaves a question open for so long until its agent says so. */
const UNRESPONSIVE_MS = 1_000;
/** Before a fence Asterisk has so long to give a sign of life. */
const WELL_MS = 500;
const LOOK_AGAIN_MS = 10;

/** The agent of one node, with the real fact stream, picture and report of a death; what it sees of processes is the ground truth. */
export function startAgent({ world, nats, config }: Services, node: Node): Process {
  const process = new Process(world, `agent-${node.id}`, node.id);
  const { log, signal } = process;
  const bus = new SimulatedBus(process, nats);
  const ari = new SimulatedAri(process, node);
  const met = new Map<string, MetLife>();
  const over = new Set<string>();
  let latest: MetLife | undefined;
  let hungSince: number | undefined;

  const meet = (info: MetLife['info']): MetLife => {
    const known = met.get(info.incarnation);
    if (known !== undefined) return known;
    const { incarnation } = info;
    const picture = new CallPicture(node.id, incarnation);
    const facts = new FactStream({
      publish: async (fact, id) => (await bus.publishDurable(subjects.callFact(node.id), fact, id)).seq,
      newId: randomUUID,
      now: Date.now,
      lingerMs: LINGER_MS,
      current: () => picture.facts(),
      nodeId: node.id,
      incarnation,
      log,
      signal,
    });
    const life: MetLife = { info, process: undefined, picture, facts };
    met.set(incarnation, life);
    latest = life;
    return life;
  };
  const look = (): void => {
    if (latest === undefined || over.has(latest.info.incarnation)) return;
    const { incarnation } = latest.info;
    if (node.lifeOf(incarnation)?.isAlive() === true) return;
    over.add(incarnation);
    void reportDeath(latest, node.id, Date.now(), bus, log, signal);
  };
  const beat = (): void => {
    const { life } = node;
    const isOver = life?.isAlive() !== true;
    hungSince = !isOver && life.hung ? (hungSince ?? performance.now()) : undefined;
    const unresponsive = hungSince !== undefined && performance.now() - hungSince > UNRESPONSIVE_MS;
    const hungMs = hungSince === undefined ? 0 : Math.round(performance.now() - hungSince);
    const known = latest !== undefined && !over.has(latest.info.incarnation);
    const asterisk = isOver ? 'down' : unresponsive ? 'unresponsive' : known ? 'up' : 'starting';
    const heartbeat: Heartbeat = {
      type: 'Heartbeat',
      nodeId: node.id,
      incarnation: asterisk === 'starting' ? null : (latest?.info.incarnation ?? null),
      at: Date.now(),
      intervalMs: config.nodeAgent.heartbeatMs,
      asterisk,
      liveChannels: known ? (latest?.picture.liveLegs ?? 0) : 0,
      recoveryModule: asterisk === 'up',
      ...(isOver ? {} : { silences: { ariMs: hungMs, sipMs: hungMs, tasksMs: hungMs } }),
    };
    bus.publish(subjects.heartbeat(node.id), heartbeat);
  };

  new CallObserver(ari.connection, APP, meet, log, signal, () => undefined).start();
  ari.on('down', look);
  const timers = [setInterval(look, LOOK_MS), setInterval(beat, config.nodeAgent.heartbeatMs)];
  process.onKilled(() => timers.forEach(clearInterval));
  bus.respond(
    subjects.fence(node.id),
    fenceRequest,
    (request) => fence(request, node, met),
    () => ({ fenced: false, incarnation: 'unknown', reason: 'the agent failed', lastFactSeq: null }),
  );
  return process;
}

/** As the agent does: kills that life and no other, and, unless it was declared down, not one that gives a sign of life. */
async function fence(
  { incarnation, declaredDown = false }: FenceRequest,
  node: Node,
  met: ReadonlyMap<string, MetLife>,
): Promise<FenceReply> {
  const life = node.lifeOf(incarnation);
  if (!declaredDown && life !== undefined && (await isWell(life)))
    return { fenced: false, incarnation, reason: 'it answers', lastFactSeq: null };
  life?.fence(declaredDown);
  const flushed = await met.get(incarnation)?.facts.flush(200);
  const told: FactsTold = {
    lastFactSeq: flushed?.lastSeq ?? null,
    factsComplete: flushed?.complete ?? false,
  };
  return { fenced: true, incarnation, reason: 'its process is gone', ...told };
}

/** Whether it gives a sign of life within the time. */
async function isWell(life: Life): Promise<boolean> {
  for (let waited = 0; life.isAlive() && waited < WELL_MS; waited += LOOK_AGAIN_MS) {
    if (!life.hung) return true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  return life.isAlive() && !life.hung;
}
