import { setTimeout as delay } from 'node:timers/promises';
import { ariAccess, connectAri, type AriConnection } from '@reinvite/ari';
import { Bus } from '@reinvite/bus';
import { workerCommand } from '@reinvite/domain';
import {
  codedError,
  isCoded,
  type Config,
  type Logger,
  type NodeConfig,
  type Service,
} from '@reinvite/runtime';
import { Commands } from './commands.js';
import { Target } from './target.js';

/** Calls that wait for their phones at the same time; the originates in flight are limited for each node. */
const CALLS_IN_FLIGHT = 2_048;
/** A command whose worker died goes to another after this: there are people on the line. */
const ACK_WAIT_MS = 1_500;
/** Phones that were just asked are waited for so long when the service stops. */
const CLOSING_MS = 3_000;
/** Nodes that do not answer at the start hold up the others' commands no longer: one may just have died, and calls wait. */
const FIRST_CONNECT_MS = 3_000;
/** … once there is one that takes calls. */
const OTHERS_CONNECT_MS = 300;

/** Events of which the worker learns nothing. */
const UNWANTED_EVENTS = [
  'ChannelVarset',
  'ChannelCallerId',
  'ChannelConnectedLine',
  'ChannelDtmfReceived',
  'ChannelTalkingStarted',
  'ChannelTalkingFinished',
  'Dial',
  'DeviceStateChanged',
  'PeerStatusChange',
  'ContactStatusChange',
  'EndpointStateChange',
  'PlaybackStarted',
  'PlaybackContinuing',
  'PlaybackFinished',
  'RecordingStarted',
  'RecordingFinished',
];

/**
 * Carries out `RestoreCall` commands: originates the replacement channels on the target, joins them, and publishes what it
 * sees as `RestoreFact`.
 */
export const ariWorker: Service = async ({ config, log, signal }) => {
  const closing = new AbortController();
  signal.addEventListener(
    'abort',
    () => setTimeout(() => closing.abort(new Error('stopped')), CLOSING_MS).unref(),
    { once: true },
  );
  const bus = await Bus.connect({ ...config.nats, account: 'ari-worker', name: 'ari-worker', log, signal });
  const connections = await connectNodes(config, log, closing.signal);
  const targets = new Map(
    [...connections].map(([nodeId, ari]) => [
      nodeId,
      new Target({ nodeId, ari, concurrency: config.ariWorker.concurrency, log }),
    ]),
  );
  await untilConnected([...connections.values()]);
  const commands = new Commands({
    bus,
    targets,
    answerTimeoutMs: config.recovery.attemptTimeoutMs,
    log,
    now: Date.now,
    closing: closing.signal,
  });
  log.info({ nodes: [...targets.keys()] }, 'ready');
  await bus.consume({
    stream: 'restoreCommands',
    durable: 'ari-worker',
    schema: workerCommand,
    maxInFlight: CALLS_IN_FLIGHT,
    ackWaitMs: ACK_WAIT_MS,
    handler: (command, { attempt }) => commands.handle(command, attempt),
  });
  closing.abort(new Error('stopped'));
  await bus.close();
};

async function untilConnected(connections: readonly AriConnection[]): Promise<void> {
  const up = connections.map((ari) => ari.whenUp());
  const mostUp = Promise.any(up).then(
    () => delay(OTHERS_CONNECT_MS),
    // The service stops.
    () => undefined,
  );
  await Promise.race([Promise.allSettled(up), mostUp, delay(FIRST_CONNECT_MS)]);
}

async function connectNodes(
  config: Config,
  log: Logger,
  signal: AbortSignal,
): Promise<Map<string, AriConnection>> {
  const app = `reinvite-${config.ariWorker.workerId}`;
  return new Map(
    await Promise.all(
      config.nodes.map(async (node) => [node.id, await connectNode(node, app, log, signal)] as const),
    ),
  );
}

async function connectNode(
  node: NodeConfig,
  app: string,
  logger: Logger,
  signal: AbortSignal,
): Promise<AriConnection> {
  const { id } = node;
  const log = logger.child({ nodeId: id });
  const connection = connectAri({
    ...(await ariAccess(node)),
    app,
    subscribeAll: true,
    log,
    signal,
  });
  connection.on('up', () => void refuseUnwanted(connection, app, log));
  connection.on('event', ({ type }) => {
    if (type === 'ApplicationReplaced')
      log.error({ err: applicationTaken(app, id) }, 'no events come any more');
  });
  return connection;
}

/** Two workers that take it from each other by turns lose each other's events: every replica needs a `workerId` of its own. */
function applicationTaken(app: string, nodeId: string): Error {
  return codedError('ARI_APPLICATION_TAKEN', `${app} was taken by another connection`, { app, nodeId });
}

/** Spares both sides work; without it everything works all the same. */
async function refuseUnwanted(connection: AriConnection, app: string, log: Logger): Promise<void> {
  try {
    await connection.asterisk.refuseEvents(app, UNWANTED_EVENTS);
  } catch (err) {
    log.info(
      { err, code: isCoded(err) ? err.code : undefined },
      'all ARI events come, also those that are not needed',
    );
  }
}
