import { database, withPostgresErrors, type Pool } from '@reinvite/db';
import { sql } from 'drizzle-orm';

/** Removes deadlines that have been done with for as long as call records are kept. @throws CodedError `POSTGRES_UNREACHABLE` */
export async function pruneDeadlines(pool: Pool, keep: string): Promise<void> {
  await withPostgresErrors(() =>
    database(pool).execute(sql`delete from deadlines where done_at < now() - ${keep}::interval`),
  );
}
