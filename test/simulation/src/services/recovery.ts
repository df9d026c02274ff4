import { subjects } from '@reinvite/bus';
import type { Pool } from '@reinvite/db';
import {
  heartbeat,
  nodeDown,
  recoveryEvent,
  restoreFact,
  callFact,
  type NodeDown,
  type RestoreFact,
} from '@reinvite/domain';
import { Outbox } from '@reinvite/event-store';
import {
  Batcher,
  follow,
  Journal,
  Machines,
  NodeBook,
  Planner,
  policyFor,
  ProgressGate,
  Recoveries,
  tellOfDeadTarget,
  watchDeadTargets,
  watchDeadlines,
} from '@reinvite/recovery/logic';
import { SimulatedBus } from '../bus/client.js';
import { projectedUpTo, projectFacts, simulatedReads } from '../store/call-records.js';
import { SimulatedEventStore, simulatedOutboxRows } from '../store/events.js';
import {
  simulatedDeadlines,
  simulatedDeadTargets,
  simulatedOpenLegs,
  simulatedReadSide,
} from '../store/read-side.js';
import { Process } from '../world/process.js';
import { dialogsOf } from './ledger.js';
import type { Wrong } from '../wrong.js';
import { LEFT_SHARE, type Services } from './services.js';

const FACTS_LINGER_MS = 25;
const FACTS_PER_BATCH = 500;
const FACTS_IN_FLIGHT = 2_000;
const NODES_IN_FLIGHT = 16;
const HEARTBEATS_HEARD = 1.5;
const ACK_WAIT_MS = 1_500;
const RECORDS_PER_BATCH = 500;
const RECORDS_LINGER_MS = 50;

/** A replica of recovery, composed as the service does it, and the machines that it keeps. */
export interface RecoveryReplica {
  readonly process: Process;
  readonly machines: Machines;
}

export function startRecovery(services: Services, name: string): RecoveryReplica {
  const { world, nats, postgres, config, wrong } = services;
  const process = new Process(world, name, name);
  const { log, signal } = process;
  const bus = new SimulatedBus(process, nats);
  const store = new SimulatedEventStore(process, postgres, recoveryEvent, wrong);
  const isLeft = (): boolean => wrong.noRelay && world.random.chance(LEFT_SHARE);
  const outbox = new Outbox({
    pool: simulatedOutboxRows(process, postgres),
    publish: (m) =>
      isLeft() ? Promise.reject(new Error('left behind')) : bus.publishDurable(m.subject, m.message, m.id),
    log,
  });
  const nodes = new NodeBook(() => 'default', Date.now, config.nodeAgent.heartbeatMs * HEARTBEATS_HEARD);
  const machines = new Machines(store, log);
  const recoveries = new Recoveries({
    journal: new Journal({
      readSide: simulatedReadSide(process, postgres, wrong),
      store,
      outbox,
      log,
      signal,
    }),
    machines,
    log,
    onEvents: follow(nodes, log),
  });
  const gate = new ProgressGate();
  const planner = new Planner({
    bus,
    // Nothing asks for it where the reads are given.
    pool: undefined as unknown as Pool,
    reads: simulatedReads(process, postgres),
    projection: { waitUntilProjected: (seq, timeoutMs) => gate.wait(seq, timeoutMs) },
    sources: { ledger: dialogsOf(process, services), homer: null, compare: false },
    settings: config.recovery,
    policyFor: (nodeId) => policyFor(config, nodeId),
    nodes,
    recoveries,
    log,
    signal,
  });

  bus.subscribe(subjects.heartbeat('*'), heartbeat, (beat) => nodes.heard(beat));
  const openLegs = simulatedOpenLegs(process, postgres);
  const candidates = () => nodes.candidates();
  const tellTargeted = (life: Pick<NodeDown, 'nodeId' | 'incarnation'>) =>
    tellOfDeadTarget(openLegs, recoveries, candidates, life);
  const run = [
    projectRecords(process, services, bus, gate),
    wrong.noRelay ? Promise.resolve() : outbox.run(signal),
    wrong.noDeadlines
      ? Promise.resolve()
      : watchDeadlines(simulatedDeadlines(process, postgres), recoveries, candidates, log, signal),
    bus.tail({
      stream: 'nodeEvents',
      schema: nodeDown,
      maxBatch: 100,
      after: async () => 0,
      handler: async (batch) => batch.forEach(({ message }) => nodes.died(message)),
    }),
    bus.consume<NodeDown>({
      stream: 'nodeEvents',
      durable: 'recovery',
      schema: nodeDown,
      maxInFlight: NODES_IN_FLIGHT,
      ackWaitMs: ACK_WAIT_MS,
      handler: async (down) => {
        nodes.died(down);
        const { nodeId, incarnation, lastFactSeq, factsComplete, evidence, at } = down;
        const trigger = { kind: 'node-down', evidence, at } as const;
        await planner.recoverNode({ nodeId, incarnation, lastFactSeq, factsComplete, trigger }, () =>
          tellTargeted(down),
        );
      },
    }),
    watchDeadTargets(simulatedDeadTargets(process, postgres), tellTargeted, log, signal),
    consumeFacts(bus, nodes, recoveries, wrong),
  ];
  Promise.all(run).catch((error: unknown) => {
    if (process.alive) world.trace.note(name, `ended: ${String(error)}`);
  });
  return { process, machines };
}

function projectRecords(
  process: Process,
  { postgres }: Services,
  bus: SimulatedBus,
  gate: ProgressGate,
): Promise<void> {
  return bus.tail({
    stream: 'callFacts',
    schema: callFact,
    maxBatch: RECORDS_PER_BATCH,
    linger: () => gate.linger(RECORDS_LINGER_MS),
    after: async () => {
      const position = await projectedUpTo(process, postgres);
      gate.restart(position);
      return position;
    },
    handler: async (batch, upTo) => gate.reached(await projectFacts(process, postgres, batch, upTo)),
  });
}

function consumeFacts(
  bus: SimulatedBus,
  nodes: NodeBook,
  recoveries: Recoveries,
  { factsAckedEarly }: Wrong,
): Promise<void> {
  const batcher = new Batcher<RestoreFact>(
    (facts) => {
      const candidates = nodes.candidates();
      const at = Date.now();
      return recoveries.tell(
        facts.map((fact) => ({
          recoveryId: fact.recoveryId,
          command: { type: 'RecordFact', fact, candidates, at },
        })),
      );
    },
    FACTS_PER_BATCH,
    FACTS_LINGER_MS,
  );
  return bus.consume<RestoreFact>({
    stream: 'restoreFacts',
    durable: 'recovery',
    schema: restoreFact,
    maxInFlight: FACTS_IN_FLIGHT,
    ackWaitMs: ACK_WAIT_MS,
    handler: (fact) => {
      const recorded = batcher.submit(fact);
      // Then nobody hears of it either when it is not recorded.
      return factsAckedEarly ? Promise.race([recorded.catch(() => undefined), Promise.resolve()]) : recorded;
    },
  });
}
