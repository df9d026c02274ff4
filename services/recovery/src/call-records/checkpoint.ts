import {
  bridges,
  checkpoints,
  database,
  inTransaction,
  legs,
  nodeIncarnations,
  withPostgresErrors,
  type Database,
  type Pool,
} from '@reinvite/db';
import { codedError } from '@reinvite/runtime';
import { eq, gt, sql } from 'drizzle-orm';

const NAME = 'call-records';

/** Where the stream of facts stands now. */
export interface StreamState {
  readonly lastSeq: number;
  readonly createdAt: string;
}

/** Where reading begins. */
export interface OpenedCheckpoint {
  /** Sequence up to which the facts are in the call records. */
  readonly position: number;
  /** True where the stream is not the one that had been read, or has lost its end: what it counts from now on is new. */
  readonly rewound: boolean;
}

/**
 * Opens the checkpoint, and makes it where there is none. A stream that was made anew after a loss counts from 1 again, and
 * one that was restored may have lost its end: then the checkpoint and the records' sequences go back with it, or
 * what comes next would count as known.
 * @param stream asked after the checkpoint was read: another replica may move it on at any time, and a checkpoint that is
 * newer than the state of the stream would look like a lost end.
 * @throws CodedError `POSTGRES_UNREACHABLE`, `CHECKPOINT_REWOUND` where another replica was at it; what `stream` throws.
 */
export async function openCheckpoint(
  pool: Pool,
  stream: () => Promise<StreamState>,
): Promise<OpenedCheckpoint> {
  const found = await withPostgresErrors(() => readCheckpoint(database(pool)));
  const { lastSeq, createdAt } = await stream();
  if (found?.source === createdAt && found.position <= lastSeq)
    return { position: found.position, rewound: false };
  const position = found?.source === createdAt ? lastSeq : 0;
  return inTransaction(pool, async (tx) => {
    await tx.insert(checkpoints).values({ name: NAME, source: createdAt }).onConflictDoNothing();
    const current = await readCheckpoint(tx, 'update');
    if (found === undefined) return { position: current?.position ?? 0, rewound: false };
    if (current?.position !== found.position || current.source !== found.source) {
      throw codedError('CHECKPOINT_REWOUND', 'another replica has moved the checkpoint of the call records');
    }
    await rewind(tx, position, createdAt);
    return { position, rewound: true };
  });
}

async function readCheckpoint(
  db: Database,
  lock?: 'update',
): Promise<{ position: number; source: string } | undefined> {
  const { position, source, name } = checkpoints;
  const query = db.select({ position, source }).from(checkpoints).where(eq(name, NAME));
  const [row] = await (lock === undefined ? query : query.for(lock));
  return row;
}

async function rewind(tx: Database, position: number, source: string): Promise<void> {
  await tx
    .update(checkpoints)
    .set({ position, source, updatedAt: sql`clock_timestamp()` })
    .where(eq(checkpoints.name, NAME));
  await tx.update(legs).set({ factSeq: position }).where(gt(legs.factSeq, position));
  await tx.update(bridges).set({ factSeq: position }).where(gt(bridges.factSeq, position));
  await tx
    .update(nodeIncarnations)
    .set({ syncingSeq: null })
    .where(gt(nodeIncarnations.syncingSeq, position));
}

/**
 * Reads the checkpoint and keeps other replicas from it until the transaction ends. The commit does not wait for the disk:
 * should Postgres crash, records and checkpoint fall back together, and the facts are read again.
 */
export async function lockCheckpoint(tx: Database): Promise<number> {
  const { rows } = await tx.execute<{ position: string }>(
    sql`select position, set_config('synchronous_commit', 'off', true) from checkpoints where name = ${NAME} for update`,
  );
  return Number(rows[0]?.position ?? 0);
}

/** Moves the checkpoint on, in the transaction that holds the records. */
export async function moveCheckpoint(tx: Database, position: number): Promise<void> {
  await tx
    .update(checkpoints)
    .set({ position, updatedAt: sql`clock_timestamp()` })
    .where(eq(checkpoints.name, NAME));
}
