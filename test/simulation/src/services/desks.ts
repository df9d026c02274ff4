import { subjects } from '@reinvite/bus';
import type { Pool } from '@reinvite/db';
import { nodeEvent, operatorCommand, recoveryRequest } from '@reinvite/domain';
import {
  OperatorDesk,
  RateLimit,
  refusal,
  RequestHandler,
  type ControlLog,
  type NodeBook,
  type Planner,
  type PlannerOptions,
  type Recoveries,
  type Restraints,
} from '@reinvite/recovery/logic';
import type { SimulatedBus } from '../bus/client.js';
import { SimulatedEventStore } from '../store/events.js';
import { simulatedLookup, simulatedRequests, simulatedWaiting } from '../store/requests.js';
import type { Process } from '../world/process.js';
import type { Services } from './services.js';

export interface DeskParts {
  readonly process: Process;
  readonly bus: SimulatedBus;
  readonly nodes: NodeBook;
  readonly control: ControlLog;
  readonly restraints: Restraints;
  readonly recoveries: Recoveries;
  readonly planner: Planner;
  readonly evidence: Pick<
    PlannerOptions,
    'bus' | 'pool' | 'reads' | 'projection' | 'sources' | 'settings' | 'log'
  >;
  readonly raise: ConstructorParameters<typeof OperatorDesk>[0]['raise'];
}

/** Where a replica of recovery is asked: by whoever wants a recovery, and by operators. */
export function openDesks({ postgres, config, wrong }: Services, parts: DeskParts): void {
  const { process, bus, nodes, control, restraints, recoveries, planner, evidence, raise } = parts;
  const { log } = process;
  // Nothing asks for it where everything else is given.
  const pool = undefined as unknown as Pool;
  const handler = new RequestHandler({
    pool,
    lookup: simulatedLookup(process, postgres),
    nodeEvents: new SimulatedEventStore(process, postgres, nodeEvent, wrong),
    nodes,
    planner,
    evidence,
    recoveries,
    requests: simulatedRequests(process, postgres),
    restraints,
    rate: new RateLimit(config.recovery.requests, () => performance.now()),
    log,
  });
  const desk = new OperatorDesk({
    pool,
    waiting: simulatedWaiting(process, postgres),
    control,
    recoveries,
    candidates: () => nodes.candidates(),
    status: () => Promise.reject(new Error('nobody asks for it')),
    raise,
    log,
  });
  const queue = 'recovery';
  bus.respond(subjects.recoveryRequest, recoveryRequest, (request) => handler.handle(request), refusal, {
    queue,
  });
  bus.respond(subjects.operatorRecovery, operatorCommand, (command) => desk.handle(command), refusal, {
    queue,
  });
}
