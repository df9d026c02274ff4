import { dialogKey, evidenceSchema, type CallDialogs, type Evidence } from '@reinvite/sip';
import { sql } from 'drizzle-orm';
import { withPostgresErrors } from './errors.js';
import { database, type Pool } from './pool.js';
import { dialogs } from './schema/dialogs.js';

/**
 * What the dialog-ledgers have seen of these Call-IDs, to be joined with what another source has seen; one query. A row that
 * another release wrote and this one cannot read is left out.
 * @throws CodedError as `withPostgresErrors`.
 */
export async function findEvidence(
  pool: Pool,
  callIds: readonly string[],
): Promise<ReadonlyMap<string, CallDialogs>> {
  if (callIds.length === 0) return new Map();
  const rows = await withPostgresErrors(() =>
    database(pool)
      .select({ evidence: dialogs.evidence })
      .from(dialogs)
      .where(sql`${dialogs.callId} = any(${sql.param([...callIds])}::text[])`),
  );
  return callsOf(rows.map(({ evidence }) => evidence));
}

/** What stored evidence says, by Call-ID; what cannot be read is left out. */
export function callsOf(stored: readonly unknown[]): ReadonlyMap<string, CallDialogs> {
  const found = new Map<string, Map<string, Evidence>>();
  for (const one of stored) {
    const { data: evidence } = evidenceSchema.safeParse(one);
    if (evidence === undefined) continue;
    const known = found.get(evidence.callId) ?? new Map<string, Evidence>();
    found.set(evidence.callId, known.set(dialogKey(evidence), evidence));
  }
  return new Map([...found].map(([callId, evidence]) => [callId, { callId, evidence }]));
}
