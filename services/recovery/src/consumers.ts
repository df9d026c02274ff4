import { subjects, type Bus } from '@reinvite/bus';
import { MAX_AGE_MS, nodeDown, restoreFact, type NodeDown, type RestoreFact } from '@reinvite/domain';
import { codedError, isCoded, type Logger } from '@reinvite/runtime';
import type { NodeBook } from './nodes/node-book.js';
import type { Planner } from './planning/planner.js';
import type { PostgresAnswers } from './postgres-answers.js';
import { Batcher } from './recoveries/batcher.js';
import type { Recoveries } from './recoveries/recoveries.js';
import { askedTogether, lookedAtAgain, type ToldByAgents } from './recoveries/told-by-agents.js';
import type { Restraints } from './restraint/index.js';

/** The phones do not wait for the record of their answers, while the re-INVITEs to come wait for the processor. */
const FACTS_LINGER_MS = 25;
/** Facts recorded in one transaction at most. */
const FACTS_PER_BATCH = 500;
const FACTS_IN_FLIGHT = 2_000;
const NODES_IN_FLIGHT = 16;
/** So often one that is cut off from Postgres alone passes a death on to another replica before it takes it. */
const PASSED_ON = 4;
/** After a replica's death its messages go to another one: there are people on the line. */
const ACK_WAIT_MS = 1_500;

const ofNode = ({ nodeId }: NodeDown): string => subjects.nodeDown(nodeId);

/** Every replica knows every death, so that none takes a dead node for a target. */
export function rememberDeaths(bus: Pick<Bus, 'tail'>, nodes: Pick<NodeBook, 'died'>): Promise<void> {
  return bus.tail({
    stream: 'nodeEvents',
    schema: nodeDown,
    subjectOf: ofNode,
    maxBatch: 100,
    after: async () => 0,
    handler: async (batch) => batch.forEach(({ message }) => nodes.died(message)),
  });
}

export interface DeathsOptions {
  readonly bus: Pick<Bus, 'consume'>;
  readonly postgres: PostgresAnswers;
  readonly nodes: Pick<NodeBook, 'died'>;
  readonly planner: Pick<Planner, 'recoverNode'>;
  readonly restraints: Pick<Restraints, 'noteDeath'>;
  readonly tellTargeted: (down: NodeDown) => Promise<void>;
  /** Tells the edges, so that no new call goes to the node; never rejects. Default: nobody. */
  readonly tellEdges?: (down: NodeDown) => Promise<void>;
  readonly log: Logger;
}

/** Plans the calls of dead nodes. Replicas share the deaths; one that is slow keeps its own for as long as Postgres answers it. */
export function consumeDeaths(options: DeathsOptions): Promise<void> {
  const { bus, postgres, nodes, planner, restraints, tellTargeted, tellEdges, log } = options;
  // It only reports: were it to fail the death, that would come again while its calls are being planned.
  const note = async (down: NodeDown): Promise<void> => {
    try {
      await restraints.noteDeath(down);
    } catch (err) {
      const { nodeId, incarnation } = down;
      log.warn({ err, nodeId, incarnation }, 'not looked at whether the node flaps');
    }
  };
  return bus.consume<NodeDown>({
    stream: 'nodeEvents',
    durable: 'recovery',
    schema: nodeDown,
    subjectOf: ofNode,
    maxInFlight: NODES_IN_FLIGHT,
    ackWaitMs: ACK_WAIT_MS,
    mayKeep: () => postgres.lately(),
    handler: async (down, { attempt }) => {
      nodes.died(down);
      // Not awaited: the calls that were do not wait for those to come.
      void tellEdges?.(down);
      if (attempt <= PASSED_ON) await postgres.mustAnswer();
      const { nodeId, incarnation, lastFactSeq, factsComplete, evidence, at } = down;
      const trigger = { kind: 'node-down', evidence, at } as const;
      const dead = { nodeId, incarnation, lastFactSeq, factsComplete, trigger };
      await untilTooLate(at, async () => {
        await Promise.all([planner.recoverNode(dead, () => tellTargeted(down)), note(down)]);
      });
    },
  });
}

/** One query that is refused must not cost a whole node its recovery: the death comes again for as long as anybody waits on the line. */
async function untilTooLate(diedAt: number, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isCoded(error) || error.class === 'retryable' || Date.now() - diedAt > MAX_AGE_MS) throw error;
    throw codedError('RECOVERY_PLAN_FAILED', error.message, error.details, error);
  }
}

/**
 * Tells recoveries what the ari-workers saw. Replicas share the facts.
 * @param told what the agents know of it, for what a worker could not tell; default: nothing.
 */
export function consumeFacts(
  bus: Pick<Bus, 'consume'>,
  postgres: PostgresAnswers,
  nodes: Pick<NodeBook, 'candidates'>,
  recoveries: Pick<Recoveries, 'tell'>,
  told: ToldByAgents = async () => [],
): Promise<void> {
  const ask = askedTogether(told);
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
    subjectOf: ({ target }) => subjects.restoreFact(target),
    maxInFlight: FACTS_IN_FLIGHT,
    ackWaitMs: ACK_WAIT_MS,
    mayKeep: () => postgres.lately(),
    handler: async (fact) => {
      const known = await lookedAtAgain(fact, ask);
      await Promise.all(known.map((one) => batcher.submit(one)));
    },
  });
}
