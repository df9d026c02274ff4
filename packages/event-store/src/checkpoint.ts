import { checkpoints, database, withPostgresErrors, type Database, type Pool } from '@reinvite/db';
import { eq, sql } from 'drizzle-orm';
import { BEGINNING, type Cursor } from './event.js';

/** How far the reader of that name has come; the beginning for a new one. @throws CodedError `POSTGRES_UNREACHABLE`. */
export async function loadCursor(pool: Pool, name: string): Promise<Cursor> {
  const [row] = await withPostgresErrors(() =>
    database(pool).select().from(checkpoints).where(eq(checkpoints.name, name)),
  );
  return row === undefined ? BEGINNING : { transactionId: row.transactionId, position: row.position };
}

/** Moves a reader on, in the transaction that holds what it made of the events, so that each counts exactly once. */
export async function saveCursor(tx: Database, name: string, cursor: Cursor): Promise<void> {
  const { transactionId, position } = cursor;
  await tx
    .insert(checkpoints)
    .values({ name, transactionId, position })
    .onConflictDoUpdate({
      target: checkpoints.name,
      set: { transactionId, position, updatedAt: sql`clock_timestamp()` },
    });
}
