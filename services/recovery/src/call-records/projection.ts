import { inTransaction, type Pool } from '@reinvite/db';
import { subjects, type Bus } from '@reinvite/bus';
import { callFact } from '@reinvite/domain';
import { codedError, isCoded, retryForever, type CodedError, type Logger } from '@reinvite/runtime';
import { lockCheckpoint, moveCheckpoint, openCheckpoint } from './checkpoint.js';
import { foldFacts, type SequencedFact } from './fold.js';
import { ProgressGate } from './progress-gate.js';
import { pruneEvery } from './prune.js';
import { writeChanges } from './write.js';

export interface ProjectionOptions {
  readonly bus: Pick<Bus, 'tail' | 'streamState'>;
  readonly pool: Pool;
  readonly log: Logger;
  /** The same signal that the bus was connected with. */
  readonly signal: AbortSignal;
}

export interface CallRecordProjection {
  /** Settles when the signal aborts. */
  readonly done: Promise<void>;
  /**
   * Waits until the fact with that JetStream sequence, and all before it, are in the call records.
   * @param timeoutMs how long at most.
   * @returns whether they are.
   */
  waitUntilProjected(seq: number, timeoutMs: number): Promise<boolean>;
}

const MAX_BATCH = 500;
/** A transaction for each fact would cost more than the facts; who needs the records at once says so by waiting. */
const LINGER_MS = 50;

/**
 * Keeps the call records up to date with the facts of all node-agents. The invariants:
 * 1. Records and checkpoint change in one transaction, so each fact counts exactly once.
 * 2. Every replica reads all facts; whoever locks the checkpoint first writes a batch, the others see that it is in.
 * 3. An older fact never overwrites a newer one, even if 1 and 2 were broken by a restored backup.
 * 4. A fact that Postgres refuses is dropped with an error in the log, and alone: it must not hold up those after it.
 */
export function projectCallFacts(options: ProjectionOptions): CallRecordProjection {
  const { bus, pool, log, signal } = options;
  const gate = new ProgressGate();
  const tailing = bus.tail({
    stream: 'callFacts',
    schema: callFact,
    subjectOf: ({ nodeId }) => subjects.callFact(nodeId),
    maxBatch: MAX_BATCH,
    linger: () => gate.linger(LINGER_MS),
    after: async () => {
      const { position, rewound } = await openCheckpoint(pool, () => bus.streamState('callFacts'));
      if (rewound) log.warn({ position }, 'the stream of call facts was made anew or has lost its end');
      gate.restart(position);
      return position;
    },
    handler: async (batch, upTo) => {
      const options = { what: 'writing call records', log, signal, minMs: 20, maxMs: 500 };
      const rewound = await retryForever(
        () => unlessRewound(() => project(pool, log, gate, batch, upTo)),
        options,
      );
      if (rewound !== undefined) throw rewound;
    },
  });
  return {
    done: Promise.all([tailing, pruneEvery(pool, log, signal)]).then(() => undefined),
    waitUntilProjected: (seq, timeoutMs) => gate.wait(seq, timeoutMs),
  };
}

/** Trying this batch again does not mend a checkpoint that fell back: the stream has to be read again from there. */
async function unlessRewound(work: () => Promise<void>): Promise<CodedError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (isCoded(error, 'CHECKPOINT_REWOUND')) return error;
    throw error;
  }
}

async function project(
  pool: Pool,
  log: Logger,
  gate: ProgressGate,
  batch: readonly SequencedFact[],
  upTo: number,
): Promise<void> {
  try {
    gate.reached(await projectBatch(pool, batch, gate.position, upTo));
  } catch (error) {
    if (!isCoded(error, 'POSTGRES_QUERY_FAILED')) throw error;
    for (const fact of batch) gate.reached(await projectOne(pool, log, fact, gate.position));
    gate.reached(await projectBatch(pool, [], gate.position, upTo));
  }
}

async function projectOne(pool: Pool, log: Logger, fact: SequencedFact, readSoFar: number): Promise<number> {
  try {
    return await projectBatch(pool, [fact], readSoFar, fact.seq);
  } catch (err) {
    if (!isCoded(err, 'POSTGRES_QUERY_FAILED')) throw err;
    const { type, nodeId, incarnation } = fact.message;
    log.error({ err, seq: fact.seq, type, nodeId, incarnation }, 'call fact refused by Postgres, dropped');
    return projectBatch(pool, [], readSoFar, fact.seq);
  }
}

/** @returns the sequence up to which the facts are in, at least `upTo`. */
function projectBatch(
  pool: Pool,
  batch: readonly SequencedFact[],
  readSoFar: number,
  upTo: number,
): Promise<number> {
  return inTransaction(pool, async (tx) => {
    const stored = await lockCheckpoint(tx);
    if (stored >= upTo) return stored;
    if (stored < readSoFar) {
      throw codedError('CHECKPOINT_REWOUND', `call records are at ${stored}, ${readSoFar} had been read`, {
        stored,
        readSoFar,
      });
    }
    await writeChanges(tx, foldFacts(batch.filter((fact) => fact.seq > stored)));
    await moveCheckpoint(tx, upTo);
    return upTo;
  });
}
