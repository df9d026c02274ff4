import { subjects } from '@reinvite/bus';
import type { Pool } from '@reinvite/db';
import {
  callFact,
  heartbeat,
  nodeFlapping,
  recoveryEvent,
  type NodeDown,
  type RecoveryPolicy,
} from '@reinvite/domain';
import type { Config } from '@reinvite/runtime';
import { Outbox } from '@reinvite/event-store';
import {
  consumeDeaths,
  consumeFacts,
  follow,
  holdWaiting,
  Journal,
  Machines,
  NodeBook,
  Planner,
  policyFor,
  raiseOn,
  PostgresAnswers,
  ProgressGate,
  Recoveries,
  rememberDeaths,
  Restraints,
  tellOfDeadTarget,
  watchDeadTargets,
  watchDeadlines,
  watchQuarantine,
} from '@reinvite/recovery/logic';
import { SimulatedBus } from '../bus/client.js';
import { projectedUpTo, projectFacts, simulatedReads } from '../store/call-records.js';
import { simulatedControl, simulatedDeaths, simulatedGuard } from '../store/control.js';
import { SimulatedEventStore, simulatedOutboxRows } from '../store/events.js';
import {
  simulatedDeadlines,
  simulatedDeadTargets,
  simulatedOpenLegs,
  simulatedReadSide,
} from '../store/read-side.js';
import { simulatedWaiting } from '../store/requests.js';
import { simulatedTold } from '../store/told.js';
import { Process } from '../world/process.js';
import { dialogsOf } from './ledger.js';
import { openDesks, type DeskParts } from './desks.js';
import { LEFT_SHARE, type Services } from './services.js';

const HEARTBEATS_HEARD = 1.5;
const UNLIMITED = 1_000;
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
  const nodes = new NodeBook(
    new Map(config.nodes.map(({ id, group }) => [id, group])),
    Date.now,
    config.nodeAgent.heartbeatMs * HEARTBEATS_HEARD,
    wrong.noFlapping ? null : config.recovery.flapping,
  );
  const raise = raiseOn(bus, log);
  const quarantined = watchQuarantine(raise);
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
    onEvents: (events) => [follow(nodes, log), quarantined].forEach((tell) => tell(events)),
  });
  const gate = new ProgressGate();
  const control = simulatedControl(process, postgres, wrong);
  const waiting = simulatedWaiting(process, postgres);
  const restraints = new Restraints({
    pool: undefined as unknown as Pool,
    deaths: simulatedDeaths(process, postgres),
    guard: simulatedGuard(postgres, wrong),
    control,
    flapping: new SimulatedEventStore(process, postgres, nodeFlapping, wrong),
    nodes,
    settings: wrong.noQuestion ? unasked(config) : config.recovery,
    nodeIds: config.nodes.map(({ id }) => id),
    raise,
    holdWaiting: async (until) => holdWaiting(await waiting(), recoveries, until),
  });
  const evidence: DeskParts['evidence'] = {
    bus,
    // Nothing asks for it where the reads are given.
    pool: undefined as unknown as Pool,
    reads: simulatedReads(process, postgres),
    projection: { waitUntilProjected: (seq, timeoutMs) => gate.wait(seq, timeoutMs) },
    sources: { ledger: dialogsOf(process, services), homer: null, compare: false },
    settings: config.recovery,
    log,
  };
  const planner = new Planner({
    ...evidence,
    policyFor: (nodeId) =>
      wrong.noCrashLimit ? unlimited(policyFor(config, nodeId)) : policyFor(config, nodeId),
    nodes,
    recoveries,
    restraints,
    signal,
  });
  openDesks(services, {
    ...{ process, bus, nodes, control, restraints, recoveries, planner, evidence, raise },
  });

  const answers = new PostgresAnswers(
    () => postgres.transact(process, 'ask', () => undefined),
    () => performance.now(),
  );
  bus.subscribe(
    subjects.heartbeat('*'),
    heartbeat,
    (beat) => nodes.heard(beat),
    ({ nodeId }) => subjects.heartbeat(nodeId),
  );
  // What agents know makes good what is lost so.
  const told = wrong.factsAckedEarly ? undefined : simulatedTold(process, postgres);
  const openLegs = simulatedOpenLegs(process, postgres);
  const candidates = () => nodes.candidates();
  const tellTargeted = (life: Pick<NodeDown, 'nodeId' | 'incarnation'>) =>
    tellOfDeadTarget(openLegs, recoveries, candidates, life);
  const run = [
    projectRecords(process, services, bus, gate),
    wrong.noRelay ? Promise.resolve() : outbox.run(signal),
    wrong.noDeadlines
      ? Promise.resolve()
      : watchDeadlines(simulatedDeadlines(process, postgres), recoveries, candidates, log, signal, told),
    rememberDeaths(bus, nodes),
    consumeDeaths({
      bus,
      postgres: answers,
      nodes,
      planner,
      restraints,
      tellTargeted,
      log,
    }),
    watchDeadTargets(simulatedDeadTargets(process, postgres), tellTargeted, log, signal),
    consumeFacts(wrong.factsAckedEarly ? acknowledgingEarly(bus) : bus, answers, nodes, recoveries, told),
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
    subjectOf: ({ nodeId }) => subjects.callFact(nodeId),
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

/** Whoever is delivered a fact acknowledges it at once: nobody hears of it either when it is not recorded. */
function acknowledgingEarly(bus: SimulatedBus): Pick<SimulatedBus, 'consume'> {
  return {
    consume: (options) =>
      bus.consume({
        ...options,
        handler: (message, delivery) =>
          Promise.race([
            Promise.resolve(options.handler(message, delivery)).catch(() => undefined),
            Promise.resolve(),
          ]),
      }),
  };
}

function unasked({ recovery }: Config): Config['recovery'] {
  return { ...recovery, massFailure: { ...recovery.massFailure, share: 1 } };
}

function unlimited(policy: RecoveryPolicy): RecoveryPolicy {
  return { ...policy, crashLimit: { ...policy.crashLimit, nodes: UNLIMITED } };
}
