import { ariAccess, askAsterisk } from '@reinvite/ari';
import { Bus, subjects } from '@reinvite/bus';
import { connectPool, requireSchema, warmPool, watchClock, type Pool } from '@reinvite/db';
import { clockSkewed, nodeEvent, type NodeEvent } from '@reinvite/domain';
import { EventCodec, EventStore, Outbox, postgresOutboxRows } from '@reinvite/event-store';
import {
  aborted,
  postgresUrl,
  retryForever,
  type Logger,
  type NodeConfig,
  type Service,
  type ServiceContext,
} from '@reinvite/runtime';
import { Council } from './agreement/council.js';
import { attend } from './attend.js';
import { listen } from './ears.js';
import { endRevenant, type FenceOptions } from './fence.js';
import { fenceByAgreement } from './fencer.js';
import { grantLeases } from './lease/landlord.js';
import { LeaseBook } from './lease/lease-book.js';
import { NodeGuard } from './node-guard.js';
import { nodeStream, recordOf } from './node-recorder.js';
import { openDesk } from './operator-desk.js';

const TICKS_PER_SUSPICION = 10;
/** The sentinel must hear itself this much more often than a node must be silent to be suspected. */
const ECHO_SHARE = 3;
/** Others who were asked and did not agree may do so by then. */
const RETRY_MS = 200;
/** The fence waits for no edge longer. */
const EDGE_ANSWER_MS = 400;
const CONNECTIONS = 2;
/** What recovery has left in the outbox is not for a sentinel to publish. */
const NODE_DOWN_SUBJECTS = subjects.nodeDown('');

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
  const ended = new AbortController();
  const onSkewed = (aheadMs: number): void => {
    const alarm = clockSkewed(`sentinel ${config.sentinel.sentinelId}`, aheadMs, Date.now());
    bus.publish(subjects.alarm(alarm.kind), alarm);
  };
  void watchClock({ pool, onSkewed, log, signal: AbortSignal.any([signal, ended.signal]) });
  try {
    await watchNodes(context, { bus, ...storeOf(pool, bus, log), ask: askOf });
  } finally {
    ended.abort();
    await bus.close();
    await pool.end();
  }
};

/** What a sentinel works with: its connections, or what stands for them. */
export interface SentinelParts {
  readonly bus: Bus;
  readonly store: Pick<EventStore<NodeEvent>, 'appendBatch' | 'readStream' | 'readStreams'>;
  readonly outbox: Pick<Outbox, 'publishNow' | 'run'>;
  /** Resolves when the store can be used. */
  readonly open: () => Promise<void>;
  /** How to ask a node's Asterisk itself which life it is in. */
  readonly ask: typeof askOf;
  /** Monotonic ms; default: this machine's. */
  readonly mono?: () => number;
  /** How the fence command is run; default: as a program. */
  readonly runCommand?: FenceOptions['run'];
}

function storeOf(pool: Pool, bus: Bus, log: Logger): Pick<SentinelParts, 'store' | 'outbox' | 'open'> {
  return {
    store: new EventStore<NodeEvent>({ pool, codec: new EventCodec({ schema: nodeEvent }) }),
    outbox: new Outbox({
      pool: postgresOutboxRows(pool, NODE_DOWN_SUBJECTS),
      publish: ({ subject, message, id }) => bus.publishDurable(subject, message, id),
      log,
    }),
    open: async () => {
      await requireSchema(pool);
      await warmPool(pool, CONNECTIONS);
    },
  };
}

/** Runs until the signal aborts. */
export async function watchNodes(
  { config, log, signal }: ServiceContext,
  { bus, store, outbox, open, ask, mono = monotonic, runCommand }: SentinelParts,
): Promise<void> {
  const nodeIds = config.nodes.map(({ id }) => id);
  const load = async () => {
    await open();
    return store.readStreams(nodeIds.map(nodeStream));
  };
  const { sentinelId, sentinels, suspectAfterMs, edgeStaleMs, voteTimeoutMs } = config.sentinel;
  const { fenceTimeoutMs: timeoutMs, fenceCommand: command } = config.sentinel;
  const book = new LeaseBook();
  const guards = new Map<string, NodeGuard>();
  const isDown = (nodeId: string, incarnation: string): boolean =>
    guards.get(nodeId)?.history.down.has(incarnation) === true;
  // Before the store is read: nodes whose leases nobody renews kill themselves, however well they are (docs/detection.md).
  for (const { id } of config.nodes) grantLeases(id, { sentinelId, sentinels, book, bus, log, mono, isDown });
  const streams = await retryForever(load, {
    what: 'reading what is recorded of the nodes',
    log,
    signal,
  });
  const ears = listen({
    bus,
    log,
    mono,
    intervalMs: Math.max(20, suspectAfterMs / TICKS_PER_SUSPICION),
    limitMs: suspectAfterMs / ECHO_SHARE,
    onTick: (patience) => guards.forEach((guard) => guard.observe({ kind: 'tick', patience })),
    onRestored: (graceMs) => guards.forEach((guard) => guard.observe({ kind: 'hearing-restored', graceMs })),
  });
  const council = new Council({
    sentinelId,
    sentinels,
    timeoutMs: voteTimeoutMs,
    mono,
    bus,
    log,
    view: (nodeId, incarnation) => ({
      suspects: ears.canHear() && guards.get(nodeId)?.suspects(incarnation) === true,
      down: isDown(nodeId, incarnation),
      leaseOver: book.isOver(nodeId, incarnation, mono()),
    }),
  });
  const rpcUrls = (config.sentinel.edges ?? config.recovery.edges).map(({ rpcUrl }) => rpcUrl);
  const fencing = {
    ...{ bus, log, timeoutMs, command, run: runCommand, signal, council, book, mono, edgeStaleMs },
    edges: { rpcUrls, timeoutMs: EDGE_ANSWER_MS, log },
    retryMs: () => RETRY_MS * (1 + Math.random()),
  };

  for (const node of config.nodes) {
    const { id } = node;
    const guard = new NodeGuard({
      nodeId: id,
      record: recordOf(streams.get(nodeStream(id)) ?? []),
      settings: config.sentinel,
      ask: await ask(node, suspectAfterMs / ECHO_SHARE, log),
      now: () => ({ mono: mono(), at: Date.now() }),
      fence: (order) => fenceByAgreement(node, order, fencing),
      endRevenant: (incarnation) => endRevenant(id, incarnation, { bus, timeoutMs }),
      alarm: (alarm) => bus.publish(subjects.alarm(alarm.kind), alarm),
      store,
      outbox,
      log,
      signal,
    });
    guards.set(id, guard);
    attend(bus, id, guard);
  }
  council.open();
  openDesk({ bus, sentinelId, council, hearsForMs: ears.hearsForMs, freshMs: suspectAfterMs, guards });
  const relay = outbox.run(signal);
  log.info({ nodes: nodeIds }, 'ready');
  try {
    await Promise.race([aborted(signal), ...[...guards.values()].map((guard) => guard.failed)]);
  } finally {
    ears.stop();
  }
  await relay;
}

const monotonic = (): number => performance.now();

const nobody = async (): Promise<undefined> => undefined;

/** How to ask a node's Asterisk itself: the agent's silence says nothing of it. Without its password the agent alone counts. */
async function askOf(
  node: NodeConfig,
  timeoutMs: number,
  log: Logger,
): Promise<() => Promise<string | undefined>> {
  const { id } = node;
  try {
    const access = await ariAccess(node);
    return async () => {
      try {
        return (await askAsterisk(access, timeoutMs)).incarnation;
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
