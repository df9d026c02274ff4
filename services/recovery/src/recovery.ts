import { Bus, subjects } from '@reinvite/bus';
import { connectPool, requireSchema, watchClock, type Pool } from '@reinvite/db';
import {
  clockSkewed,
  controlEvent,
  earlyDialogsEnded,
  heartbeat,
  nodeEvent,
  nodeFlapping,
  operatorCommand,
  recoveryEvent,
  recoveryRequest,
  type NodeDown,
  type NodeEvent,
  type RecoveryEvent,
} from '@reinvite/domain';
import { EventCodec, EventStore, Outbox } from '@reinvite/event-store';
import { postgresUrl, retryForever, type Service, type ServiceContext } from '@reinvite/runtime';
import { writeBills } from './billing/index.js';
import { projectCallFacts } from './call-records/index.js';
import { postgresHomes } from './conferences/index.js';
import { consumeDeaths, consumeFacts, rememberDeaths } from './consumers.js';
import { greetEdges, tellEdgesOfDeath } from './early/edge-nodes.js';
import { consumeEarly } from './early/end-early.js';
import { answerFlows, FlowStore } from './flow/index.js';
import { NodeBook } from './nodes/node-book.js';
import { openDialogSources } from './planning/dialog-sources.js';
import { Planner } from './planning/planner.js';
import { policyFor, warnOfGroups } from './planning/policies.js';
import { NOBODY, rehearse } from './planning/rehearse.js';
import { PostgresAnswers } from './postgres-answers.js';
import {
  postgresDeadTargets,
  postgresOpenLegs,
  tellOfDeadTarget,
  watchDeadTargets,
  type Life,
} from './recoveries/dead-targets.js';
import { postgresDeadlines, watchDeadlines } from './recoveries/deadlines.js';
import { follow } from './recoveries/follow.js';
import { Journal, postgresReadSide } from './recoveries/journal.js';
import { Machines } from './recoveries/machines.js';
import { Recoveries } from './recoveries/recoveries.js';
import { refusal } from './refusal.js';
import { toldByAgents } from './recoveries/told-by-agents.js';
import { RequestHandler } from './requests/handle-request.js';
import { RateLimit } from './requests/rate-limit.js';
import { RequestLog } from './requests/request-log.js';
import {
  ControlLog,
  holdWaiting,
  OperatorDesk,
  raiseOn,
  recoveryStatusOf,
  Restraints,
  waitingRecoveries,
  watchQuarantine,
} from './restraint/index.js';

/** Connections that the way from a death to its plans uses at once. */
const CONNECTIONS = 4;
/** After so many intervals every node that beats has been heard. */
const HEARTBEATS_HEARD = 1.5;

/**
 * Keeps the call records, plans the recovery of every call of a dead node, follows each to its one outcome, and answers
 * recovery requests. Replicas share the work; each may end at any moment.
 */
export const recovery: Service = async (context) => {
  const { config, log, signal } = context;
  const url = await postgresUrl(config, 'recovery');
  const pool = connectPool(url, {
    applicationName: 'reinvite-recovery',
    log,
    size: config.postgres.poolSize,
  });
  try {
    const bus = await Bus.connect({ ...config.nats, account: 'recovery', name: 'recovery', log, signal });
    try {
      await run(context, bus, pool);
    } finally {
      await bus.close();
    }
  } finally {
    await pool.end();
  }
};

async function run({ config, log, signal }: ServiceContext, bus: Bus, pool: Pool): Promise<void> {
  const store = new EventStore<RecoveryEvent>({ pool, codec: new EventCodec({ schema: recoveryEvent }) });
  const nodeEvents = new EventStore<NodeEvent>({ pool, codec: new EventCodec({ schema: nodeEvent }) });
  const earlyEvents = new EventStore({ pool, codec: new EventCodec({ schema: earlyDialogsEnded }) });
  const rpcUrls = config.recovery.edges.map((edge) => edge.rpcUrl);
  const publish: ConstructorParameters<typeof Outbox>[0]['publish'] = (m) =>
    bus.publishDurable(m.subject, m.message, m.id);
  const outbox = new Outbox({ pool, publish, log });
  const sources = await openDialogSources(config, pool, log, signal);
  const ready = async (): Promise<void> => {
    await requireSchema(pool);
    await store.warm(CONNECTIONS);
    await rehearse(pool, sources, policyFor(config, NOBODY), CONNECTIONS);
  };
  await retryForever(ready, { what: 'opening the database', log, signal });
  const nodes = new NodeBook(
    new Map(config.nodes.map(({ id, group }) => [id, group])),
    () => Date.now(),
    config.nodeAgent.heartbeatMs * HEARTBEATS_HEARD,
    config.recovery.flapping,
  );
  const raise = raiseOn(bus, log);
  const followed = [follow(nodes, log), watchQuarantine(raise)];
  const recoveries = new Recoveries({
    journal: new Journal({
      readSide: postgresReadSide(pool),
      store,
      outbox,
      homes: postgresHomes,
      log,
      signal,
    }),
    machines: new Machines(store, log),
    log,
    onEvents: (events) => followed.forEach((tell) => tell(events)),
  });
  const projection = projectCallFacts({ bus, pool, log, signal });
  warnOfGroups(config, log);
  const evidence = {
    bus,
    pool,
    projection,
    sources,
    settings: config.recovery,
    log,
  };
  const control = new ControlLog(new EventStore({ pool, codec: new EventCodec({ schema: controlEvent }) }));
  const restraints = new Restraints({
    pool,
    control,
    flapping: new EventStore({ pool, codec: new EventCodec({ schema: nodeFlapping }) }),
    nodes,
    settings: config.recovery,
    nodeIds: config.nodes.map(({ id }) => id),
    raise,
    holdWaiting: async (until) => holdWaiting(await waitingRecoveries(pool), recoveries, until),
  });
  const planner = new Planner({
    ...evidence,
    restraints,
    policyFor: (nodeId) => policyFor(config, nodeId),
    nodes,
    recoveries,
    signal,
  });
  const requests = new RequestLog(pool);
  const handler = new RequestHandler({
    pool,
    nodeEvents,
    nodes,
    planner,
    evidence,
    recoveries,
    requests,
    restraints,
    rate: new RateLimit(config.recovery.requests, () => performance.now()),
    log,
  });
  const desk = new OperatorDesk({
    pool,
    control,
    recoveries,
    candidates: () => nodes.candidates(),
    status: (held) => recoveryStatusOf(pool, nodes, held),
    raise,
    log,
  });

  const postgres = new PostgresAnswers(
    () => pool.query('select 1'),
    () => performance.now(),
  );
  const openLegs = postgresOpenLegs(pool);
  const told = toldByAgents(pool);
  const tellTargeted = (life: Life): Promise<void> =>
    tellOfDeadTarget(openLegs, recoveries, () => nodes.candidates(), life);

  const tellEdges = (down: NodeDown): Promise<void> =>
    tellEdgesOfDeath(down, {
      rpcUrls,
      addressesOf: (nodeId) => config.nodes.find(({ id }) => id === nodeId)?.sipAddresses ?? [],
      isBack: ({ nodeId, incarnation }) => {
        const beat = nodes.lately(nodeId, config.nodeAgent.heartbeatMs);
        return beat?.asterisk === 'up' && beat.incarnation !== incarnation;
      },
      log,
    });

  bus.subscribe(
    subjects.heartbeat('*'),
    heartbeat,
    (beat) => nodes.heard(beat),
    ({ nodeId }) => subjects.heartbeat(nodeId),
  );
  bus.respond(
    subjects.recoveryRequest,
    recoveryRequest,
    (request) => handler.handle(request),
    (error) => handler.refusalOf(error),
    { queue: 'recovery', maxBytes: config.recovery.requests.maxBytes },
  );
  bus.respond(subjects.operatorRecovery, operatorCommand, (command) => desk.handle(command), refusal, {
    queue: 'recovery',
    maxBytes: config.recovery.requests.maxBytes,
  });
  answerFlows(bus, new FlowStore(pool, config.recovery.flow), config.recovery.flow);
  log.info('ready');
  // A call does not wait for it, and what is wrong is in the log.
  void greetEdges({ rpcUrls, log });
  void sources.homer?.greet().catch(() => undefined);
  await Promise.all([
    projection.done,
    outbox.run(signal),
    watchDeadlines(postgresDeadlines(pool), recoveries, () => nodes.candidates(), log, signal, told),
    watchDeadTargets(postgresDeadTargets(pool), tellTargeted, log, signal),
    rememberDeaths(bus, nodes),
    consumeDeaths({ bus, postgres, nodes, planner, restraints, tellTargeted, tellEdges, log }),
    consumeFacts(bus, postgres, nodes, recoveries, told),
    watchClock({ pool, onSkewed: (ms) => raise(clockSkewed('recovery', ms, Date.now())), log, signal }),
    writeBills({ pool, settings: config.recovery.billing, log, signal }),
    consumeEarly(bus, { store: earlyEvents, rpcUrls, log, signal }),
  ]);
}
