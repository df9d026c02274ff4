import { randomUUID } from 'node:crypto';
import { connect, isIP } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAmi } from '@reinvite/ami';
import { ariAccess, connectAri, type AsteriskInfo } from '@reinvite/ari';
import { Bus, nodeAgentAccount, subjects } from '@reinvite/bus';
import { fenceRequest, type FenceReply } from '@reinvite/domain';
import {
  aborted,
  codedError,
  isCoded,
  readSecret,
  type NodeConfig,
  type Service,
  type ServiceContext,
} from '@reinvite/runtime';
import { readWhatHasArrived } from './arrived.js';
import { FactStream } from './calls/fact-stream.js';
import { CallObserver } from './calls/observer.js';
import { CallPicture } from './calls/picture.js';
import { DialplanObserver } from './dialplan/observer.js';
import { reportDeath, type SeenAt } from './death.js';
import { fence } from './fence.js';
import { Health } from './heartbeat.js';
import { Tenant, type TenantOptions } from './lease/tenant.js';
import { AsteriskProcess } from './process/asterisk-process.js';
import type { Life } from './process/life.js';
import { Lives } from './process/lives.js';
import type { SipAddress } from './witness/sip-options.js';
import { Witnesses } from './witness/witnesses.js';

/** A channel changes several times within a few ms. */
const FACTS_LINGER_MS = 20;
/** Stasis application of the agent; no channel is ever handed to it. */
const APP = 'reinvite-agent';
/** A killed process shows it at once, its sockets close some 10 to 100 ms later; a look takes some 50 µs. */
const LOOK_MS = 10;
/** An agent is ready without its Asterisk too. */
const FIRST_SYNC_MS = 3_000;
const LAST_FACTS_MS = 500;
const SIP_PORT = 5060;

/**
 * Beside one Asterisk: tells NATS whether it lives, which calls it has, and at once when its process is gone.
 *
 * Nothing here waits for NATS: calls are observed and a death is noticed without it, and told when it is back.
 */
export const nodeAgent: Service = async (context) => {
  const { config, signal, log: logger } = context;
  const node = ownNode(context);
  const log = logger.child({ nodeId: node.id });
  const { pidFile, heartbeatMs, probeMs } = config.nodeAgent;
  if (pidFile === undefined) {
    log.warn('no nodeAgent.pidFile: the death of Asterisk is found by its silence and by fencing only');
  }
  const access = await ariAccess(node);
  const connected = Bus.connect({
    ...config.nats,
    account: nodeAgentAccount(node.id),
    name: `node-agent ${node.id}`,
    log,
    signal,
  });
  const process = new AsteriskProcess(pidFile);
  const lives = new Lives({
    process,
    newLife: (info, identity) => newLife(node.id, info, identity, connected, context),
    onOver: (life) => {
      void tellOfDeath(life, node.id, { at: Date.now(), mono: performance.now() }, connected, context);
    },
    log,
    signal,
  });
  const dialplan = await observeDialplan(lives, context);
  const ari = connectAri({
    ...access,
    app: APP,
    subscribeAll: true,
    log,
    signal,
  });
  const witnesses = new Witnesses({
    sipAddress: sipAddressOf(config.nodeAgent.sipAddress, node),
    controlSocket: config.nodeAgent.controlSocket ?? besidePidFile(pidFile),
    hangAfterMs: config.sentinel.hangAfterMs,
    mono: () => performance.now(),
  });
  const health = new Health({
    ...{ nodeId: node.id, intervalMs: heartbeatMs, probeMs, ari, lives, process, witnesses, log },
  });
  const synced = new Promise<void>((resolve) => {
    const wantsVariables = config.nodeAgent.variables.length > 0;
    const onSynced = (): void => {
      dialplan?.tellAll();
      resolve();
    };
    new CallObserver(ari, APP, (info) => lives.meet(info), log, signal, onSynced, wantsVariables).start();
  });
  ari.on('down', () => lives.look());
  ari.on('up', () => dialplan?.tellAll());

  let bus: Bus | undefined;
  let tenant: Tenant | undefined;
  const beat = (): void => {
    if (!signal.aborted) bus?.publish(subjects.heartbeat(node.id), health.heartbeat(Date.now()));
  };
  ari.on('up', beat);
  ari.on('down', beat);
  const timers = [
    setInterval(() => lives.look(), LOOK_MS),
    setInterval(() => witnesses.look(), LOOK_MS),
    setInterval(() => tenant?.look(), LOOK_MS),
    setInterval(() => void health.probe(), probeMs),
    // An agent that stood still tells of nobody as alive whose end is in its buffers.
    setInterval(() => void readWhatHasArrived().then(beat), heartbeatMs),
  ];
  try {
    bus = await connected.catch((error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    });
    if (bus === undefined) return;
    const isWell = async (): Promise<boolean> => {
      const well = await health.isWell();
      if (well) beat();
      return well;
    };
    const nobodyListens = (): Promise<boolean> => refuses(node.ari.url);
    const fenceable = { nodeId: node.id, lives, process, isWell, nobodyListens, log };
    bus.respond(subjects.fence(node.id), fenceRequest, (request) => fence(request, fenceable), refusedFence);
    tenant = config.nodeAgent.lease.enabled ? rentFor(node.id, lives, bus, context) : undefined;
    await Promise.race([synced, delay(FIRST_SYNC_MS), aborted(signal)]);
    log.info({ incarnation: ari.info?.incarnation ?? null }, 'ready');
    await aborted(signal);
  } finally {
    timers.forEach(clearInterval);
    witnesses.close();
    await tenant?.stop();
    await lives.current?.facts.flush(LAST_FACTS_MS);
    await bus?.close();
  }
};

/** @throws CodedError `CONFIG_INVALID`, `CONFIG_UNREADABLE` for the secret */
async function observeDialplan(
  lives: Lives,
  { config, log, signal }: ServiceContext,
): Promise<DialplanObserver | undefined> {
  const { ami: access, nodeId } = config.nodeAgent;
  if (access === undefined) {
    log.info(
      'no nodeAgent.ami: what conferences, queues and parking lots hold beside their calls is not known',
    );
    return undefined;
  }
  const secret = await readSecret('nodeAgent.ami', access.secret, access.secretFile);
  const ami = connectAmi({ ...access, secret, log: log.child({ nodeId }), signal });
  const observer = new DialplanObserver({
    ami,
    life: () => (lives.isCurrentOver ? undefined : lives.current),
    log,
    signal,
    now: Date.now,
  });
  observer.start();
  return observer;
}

/** @throws CodedError `CONFIG_INVALID` where nothing could be killed, or the file cannot be written. */
function rentFor(nodeId: string, lives: Lives, bus: Bus, { config, log }: ServiceContext): Tenant {
  const { pidFile, lease } = config.nodeAgent;
  if (pidFile === undefined)
    throw codedError('CONFIG_INVALID', 'nodeAgent.lease needs nodeAgent.pidFile: it names whom to kill');
  const file = lease.file ?? `/run/reinvite/${nodeId}.lease`;
  const life = (): ReturnType<TenantOptions['life']> => {
    const { current } = lives;
    if (current?.process === undefined || lives.isCurrentOver) return undefined;
    return { incarnation: current.info.incarnation, process: current.process };
  };
  return new Tenant({ nodeId, leaseMs: lease.ms, file, bus, life, log: log.child({ nodeId }) });
}

function ownNode({ config }: ServiceContext): NodeConfig {
  const { nodeId } = config.nodeAgent;
  const node = config.nodes.find(({ id }) => id === nodeId);
  if (node === undefined) {
    throw codedError('CONFIG_INVALID', `nodeAgent.nodeId: there is no node ${nodeId ?? '(none given)'}`);
  }
  return node;
}

/** `address:port`, `[address]:port`; the node's first address and SIP's own port where nothing is configured. */
function sipAddressOf(configured: string | undefined, { sipAddresses }: NodeConfig): SipAddress {
  if (configured === undefined) return { host: sipAddresses[0] ?? '127.0.0.1', port: SIP_PORT };
  const [, host, port] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(configured) ?? [];
  if (host === undefined || isIP(host) === 0 || Number(port) > 65_535)
    throw codedError('CONFIG_INVALID', `nodeAgent.sipAddress: ${configured} is no address:port`);
  return { host, port: Number(port) };
}

/** Asterisk keeps both in its run directory (`astrundir`), unless told otherwise. */
function besidePidFile(pidFile: string | undefined): string | undefined {
  return pidFile === undefined ? undefined : path.join(path.dirname(pidFile), 'asterisk.ctl');
}

function newLife(
  nodeId: string,
  info: AsteriskInfo,
  process: Life['process'],
  connected: Promise<Bus>,
  { config, log, signal }: ServiceContext,
): Life {
  const { pidFile } = config.nodeAgent;
  const { incarnation } = info;
  const picture = new CallPicture(nodeId, incarnation, config.nodeAgent.variables);
  // The manager interface tells of it once it listens.
  picture.hearsMusicSince(undefined, info.startedAt);
  const facts = new FactStream({
    publish: async (fact, id) => {
      const bus = await connected;
      return (await bus.publishInOrder(subjects.callFact(nodeId), fact, id)).seq;
    },
    newId: randomUUID,
    now: Date.now,
    lingerMs: FACTS_LINGER_MS,
    current: () => picture.facts(),
    nodeId,
    incarnation,
    log: log.child({ nodeId, incarnation }),
    signal,
  });
  log.info({ nodeId, incarnation, pid: process?.pid ?? null }, 'Asterisk is up');
  if (process === undefined && pidFile !== undefined) {
    log.error(
      { nodeId, incarnation, pidFile },
      'the pid file does not name this Asterisk: its death cannot be seen',
    );
  }
  return { info, process, picture, facts };
}

async function tellOfDeath(
  life: Life,
  nodeId: string,
  seen: SeenAt,
  connected: Promise<Bus>,
  { log, signal }: ServiceContext,
): Promise<void> {
  try {
    await reportDeath(life, nodeId, seen, await connected, log, signal);
  } catch (err) {
    if (!signal.aborted)
      log.error({ err, nodeId, incarnation: life.info.incarnation }, 'a death could not be told');
  }
}

function refusedFence(error: unknown): FenceReply {
  const reason = isCoded(error) ? error.message : 'the agent failed';
  return { fenced: false, incarnation: 'unknown', reason, lastFactSeq: null };
}

/** Whether the host of an ARI URL refuses connections: nothing at all listens on the port. */
function refuses(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: number, timeout: 1_000 });
    const answer = (refused: boolean): void => {
      socket.destroy();
      resolve(refused);
    };
    socket.once('connect', () => answer(false));
    socket.once('timeout', () => answer(false));
    socket.once('error', (error: NodeJS.ErrnoException) => answer(error.code === 'ECONNREFUSED'));
  });
}
