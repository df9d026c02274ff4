import { database, withPostgresErrors, type Pool } from '@reinvite/db';
import { sql } from 'drizzle-orm';

/** Removes homes to which nothing has been brought for as long as call records are kept. @throws CodedError `POSTGRES_UNREACHABLE` */
export async function pruneHomes(pool: Pool, keep: string): Promise<void> {
  await withPostgresErrors(() =>
    database(pool).execute(sql`delete from conference_homes where used_at < now() - ${keep}::interval`),
  );
}
