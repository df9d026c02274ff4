import { database, withPostgresErrors, type Pool } from '@reinvite/db';
import { sql } from 'drizzle-orm';

/** A leg that is on its way back has no record for a moment. */
const KEEP = '1 hour';

/** Removes what was kept of calls that ended, by their records, more than an hour ago, and was not touched since then. */
export async function pruneFlows(pool: Pool): Promise<void> {
  const db = database(pool);
  const since = sql`now() - ${KEEP}::interval`;
  const isOver = sql`not exists (select from legs where legs.sip_call_id = f.sip_call_id and legs.gone_at is null)
    and not exists (select from legs where legs.sip_call_id = f.sip_call_id and legs.gone_at >= ${since})`;
  await withPostgresErrors(async () => {
    await db.execute(sql`delete from call_flows as f where f.updated_at < ${since} and ${isOver}`);
    await db.execute(
      sql`delete from call_flow_effects as f where coalesce(f.done_at, f.begun_at) < ${since} and ${isOver}`,
    );
  });
}
