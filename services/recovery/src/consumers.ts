import { setTimeout as delay } from 'node:timers/promises';
import type { Bus } from '@reinvite/bus';
import { withPostgresErrors, type Pool } from '@reinvite/db';
import { MAX_AGE_MS, nodeDown, restoreFact, type NodeDown, type RestoreFact } from '@reinvite/domain';
import { codedError, isCoded } from '@reinvite/runtime';
import type { NodeBook } from './nodes/node-book.js';
import type { Planner } from './planning/planner.js';
import { Batcher } from './recoveries/batcher.js';
import type { Recoveries } from './recoveries/recoveries.js';
import type { Restraints } from './restraint/index.js';

/** The phones do not wait for the record of their answers, while the re-INVITEs to come wait for the processor. */
const FACTS_LINGER_MS = 25;
/** Facts recorded in one transaction at most. */
const FACTS_PER_BATCH = 500;
const FACTS_IN_FLIGHT = 2_000;
const NODES_IN_FLIGHT = 16;
/** A replica that is cut off from Postgres, and so gets nowhere, leaves its messages to the others after this. */
const KEEP_ALIVE_MS = 5_000;
/** What is asked of Postgres before a replica takes a death on: for so long, and so often that one cut off alone passes it on. */
const ANSWERS_WITHIN_MS = 500;
const PASSED_ON = 4;
/** After a replica's death its messages go to another one: there are people on the line. */
const ACK_WAIT_MS = 1_500;

/** Every replica knows every death, so that none takes a dead node for a target. */
export function rememberDeaths(bus: Bus, nodes: NodeBook): Promise<void> {
  return bus.tail({
    stream: 'nodeEvents',
    schema: nodeDown,
    maxBatch: 100,
    after: async () => 0,
    handler: async (batch) => batch.forEach(({ message }) => nodes.died(message)),
  });
}

/** @throws CodedError `POSTGRES_UNREACHABLE` */
async function mustAnswer(pool: Pool): Promise<void> {
  const late = delay(ANSWERS_WITHIN_MS, 'late', { ref: false });
  const answered = withPostgresErrors(() => pool.query('select 1'));
  answered.catch(() => undefined);
  if ((await Promise.race([answered, late])) === 'late')
    throw codedError('POSTGRES_UNREACHABLE', `no answer within ${ANSWERS_WITHIN_MS} ms`);
}

/** Plans the calls of dead nodes. Replicas share the deaths. */
export function consumeDeaths(
  bus: Bus,
  pool: Pool,
  nodes: NodeBook,
  planner: Planner,
  restraints: Restraints,
  tellTargeted: (down: NodeDown) => Promise<void>,
): Promise<void> {
  return bus.consume<NodeDown>({
    stream: 'nodeEvents',
    durable: 'recovery',
    schema: nodeDown,
    maxInFlight: NODES_IN_FLIGHT,
    ackWaitMs: ACK_WAIT_MS,
    keepAliveMs: KEEP_ALIVE_MS,
    handler: async (down, { attempt }) => {
      nodes.died(down);
      if (attempt <= PASSED_ON) await mustAnswer(pool);
      const { nodeId, incarnation, lastFactSeq, factsComplete, evidence, at } = down;
      const trigger = { kind: 'node-down', evidence, at } as const;
      const dead = { nodeId, incarnation, lastFactSeq, factsComplete, trigger };
      await untilTooLate(at, async () => {
        await Promise.all([planner.recoverNode(dead, () => tellTargeted(down)), restraints.noteDeath(down)]);
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

/** Tells recoveries what the ari-workers saw. Replicas share the facts. */
export function consumeFacts(bus: Bus, nodes: NodeBook, recoveries: Recoveries): Promise<void> {
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
    keepAliveMs: KEEP_ALIVE_MS,
    handler: (fact) => batcher.submit(fact),
  });
}
