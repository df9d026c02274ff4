import { setTimeout as delay } from 'node:timers/promises';
import { askAsterisk } from '@reinvite/ari';
import { Bus, subjects } from '@reinvite/bus';
import { connectPool, requireSchema, warmPool, type Pool } from '@reinvite/db';
import {
  heartbeat,
  nodeEvent,
  processGone,
  type NodeEvent,
  type ProcessGone,
  type ProcessGoneReply,
} from '@reinvite/domain';
import { EventCodec, EventStore, Outbox } from '@reinvite/event-store';
import {
  aborted,
  isCoded,
  postgresUrl,
  readSecret,
  retryForever,
  type Logger,
  type NodeConfig,
  type Service,
  type ServiceContext,
} from '@reinvite/runtime';
import { listen } from './ears.js';
import { fenceNode } from './fence.js';
import { NodeGuard } from './node-guard.js';
import { nodeStream, recordOf } from './node-recorder.js';

const TICKS_PER_SUSPICION = 10;
/** The sentinel must hear itself this much more often than a node must be silent to be suspected. */
const ECHO_SHARE = 3;
/** An agent that gets no answer asks again; the events wait on meanwhile. */
const RECORD_ANSWER_MS = 2_000;
const CONNECTIONS = 2;

/**
 * Watches every configured node by its heartbeats and its agent's word, fences what is suspected, and says which life of
 * which node is over.
 */
export const sentinel: Service = async (context) => {
  const { config, log, signal } = context;
  const url = await postgresUrl(config, 'sentinel');
  const pool = connectPool(url, {
    applicationName: 'reinvite-sentinel',
    log,
    size: config.postgres.poolSize,
  });
  const bus = await Bus.connect({ ...config.nats, account: 'sentinel', name: 'sentinel', log, signal });
  try {
    await watchNodes(context, bus, pool);
  } finally {
    await bus.close();
    await pool.end();
  }
};

async function watchNodes({ config, log, signal }: ServiceContext, bus: Bus, pool: Pool): Promise<void> {
  const store = new EventStore<NodeEvent>({ pool, codec: new EventCodec({ schema: nodeEvent }) });
  const outbox = new Outbox({
    pool,
    publish: ({ subject, message, id }) => bus.publishDurable(subject, message, id),
    log,
  });
  const nodeIds = config.nodes.map(({ id }) => id);
  const streams = await retryForever(() => loadStreams(pool, store, nodeIds), {
    what: 'reading what is recorded of the nodes',
    log,
    signal,
  });
  const { suspectAfterMs, fenceTimeoutMs, fenceCommand: command } = config.sentinel;

  const asks = await Promise.all(config.nodes.map((node) => askOf(node, suspectAfterMs / ECHO_SHARE, log)));
  const guards = nodeIds.map((nodeId, index) => {
    const guard = new NodeGuard({
      nodeId,
      record: recordOf(streams.get(nodeStream(nodeId)) ?? []),
      settings: config.sentinel,
      ask: asks[index] ?? nobody,
      now: () => ({ mono: performance.now(), at: Date.now() }),
      fence: (id, incarnation, stillNeeded) =>
        fenceNode(id, incarnation, { bus, log, timeoutMs: fenceTimeoutMs, command, stillNeeded, signal }),
      store,
      outbox,
      log,
      signal,
    });
    attend(bus, nodeId, guard);
    return guard;
  });
  const stopListening = listen({
    bus,
    log,
    mono: () => performance.now(),
    intervalMs: Math.max(20, suspectAfterMs / TICKS_PER_SUSPICION),
    limitMs: suspectAfterMs / ECHO_SHARE,
    onTick: () => guards.forEach((guard) => guard.observe({ kind: 'tick' })),
    onRestored: () => guards.forEach((guard) => guard.observe({ kind: 'hearing-restored' })),
  });
  const relay = outbox.run(signal);
  log.info({ nodes: nodeIds }, 'ready');
  try {
    await Promise.race([aborted(signal), ...guards.map((guard) => guard.failed)]);
  } finally {
    stopListening();
  }
  await relay;
}

const nobody = async (): Promise<undefined> => undefined;

/** How to ask a node's Asterisk itself: the agent's silence says nothing of it. Without its password the agent alone counts. */
async function askOf(
  { id, ari }: NodeConfig,
  timeoutMs: number,
  log: Logger,
): Promise<() => Promise<string | undefined>> {
  const { url, username } = ari;
  try {
    const password = await readSecret(`ARI password of ${id}`, ari.password, ari.passwordFile);
    return async () => {
      try {
        return (await askAsterisk({ url, username, password }, timeoutMs)).incarnation;
      } catch (err) {
        log.debug({ err, nodeId: id }, 'Asterisk does not answer the sentinel');
        return undefined;
      }
    };
  } catch (err) {
    log.warn(
      { err, nodeId: id },
      'its Asterisk cannot be asked: the silence of its agent will count against it',
    );
    return nobody;
  }
}

async function loadStreams(pool: Pool, store: EventStore<NodeEvent>, nodeIds: readonly string[]) {
  await requireSchema(pool);
  await warmPool(pool, CONNECTIONS);
  return store.readStreams(nodeIds.map(nodeStream));
}

/** Listens to one node's agent. What it says of another node is not for its subject, and is left out. */
function attend(bus: Bus, nodeId: string, guard: NodeGuard): void {
  bus.subscribe(subjects.heartbeat(nodeId), heartbeat, (beat) => {
    if (beat.nodeId === nodeId) guard.observe({ kind: 'heartbeat', heartbeat: beat });
  });
  bus.respond(
    subjects.processGone(nodeId),
    processGone,
    (gone) => onProcessGone(nodeId, gone, guard),
    notRecorded,
  );
}

async function onProcessGone(nodeId: string, gone: ProcessGone, guard: NodeGuard): Promise<ProcessGoneReply> {
  if (gone.nodeId !== nodeId) return { recorded: false, reason: `this subject is for ${nodeId}` };
  guard.observe({ kind: 'process-gone', gone });
  const answered = new AbortController();
  const late = delay(RECORD_ANSWER_MS, undefined, { signal: answered.signal }).then(
    () => ({ recorded: false, reason: 'not recorded yet: Postgres does not answer' }),
    () => ({ recorded: false, reason: '' }),
  );
  try {
    return await Promise.race([late, guard.recorded().then(() => ({ recorded: true, reason: '' }))]);
  } finally {
    answered.abort();
  }
}

function notRecorded(error: unknown): ProcessGoneReply {
  return { recorded: false, reason: isCoded(error) ? error.message : 'not recorded' };
}
