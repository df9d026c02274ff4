import { dialogKey, joinCalls, visible, type CallDialogs, type Evidence } from '@reinvite/sip';
import { and, asc, sql } from 'drizzle-orm';
import { callsOf } from './dialog-evidence.js';
import { rowOf, type DialogRow } from './dialog-rows.js';
import { withPostgresErrors } from './errors.js';
import { database, inTransaction, type Database, type Pool } from './pool.js';
import { upsertRows } from './rows.js';
import { dialogs } from './schema/dialogs.js';

/**
 * Writes what a ledger's evidence says of each dialog, all in one statement. Safe to repeat; what is newer in the table stays.
 * Evidence that says nothing yet is left out. What another ledger wrote last is not written over: a call that has gone to a node
 * whose messages go to this one began there. It is read, joined with what is to be written, and written by this one.
 * @param evidence each dialog once.
 * @returns all that is known of the Call-IDs that were joined, for the ledger to go on with.
 * @throws CodedError as `withPostgresErrors`.
 */
export async function writeDialogs(
  pool: Pool,
  evidence: readonly Evidence[],
  ledgerId: string,
): Promise<readonly Evidence[]> {
  const rows = rowsOf(evidence, ledgerId);
  const isNotOlder = sql`${dialogs.updatedAt} <= excluded.updated_at`;
  const isOurs = sql`${dialogs.ledgerId} = excluded.ledger_id`;
  const written = await withPostgresErrors(() =>
    upsertRows(database(pool), dialogs, rows, and(isNotOlder, isOurs)),
  );
  if (written === rows.length) return [];
  const foreign = await foreignCallIds(pool, evidence, ledgerId);
  if (foreign.size === 0) return [];
  const ours = callsOf(evidence.filter(({ callId }) => foreign.has(callId)));
  return inTransaction(pool, (tx) => joinAndWrite(tx, ours, ledgerId));
}

async function foreignCallIds(
  pool: Pool,
  evidence: readonly Evidence[],
  ledgerId: string,
): Promise<ReadonlySet<string>> {
  const callIds = [...new Set(evidence.map(({ callId }) => callId))];
  const rows = await withPostgresErrors(() =>
    database(pool)
      .selectDistinct({ callId: dialogs.callId })
      .from(dialogs)
      .where(and(isOneOf(callIds), sql`${dialogs.ledgerId} is distinct from ${ledgerId}`)),
  );
  return new Set(rows.map(({ callId }) => callId));
}

/** The rows stay locked until they are written: two ledgers that join the same dialogs do so one after the other. */
async function joinAndWrite(
  tx: Database,
  ours: ReadonlyMap<string, CallDialogs>,
  ledgerId: string,
): Promise<readonly Evidence[]> {
  const stored = await tx
    .select({ evidence: dialogs.evidence })
    .from(dialogs)
    .where(isOneOf([...ours.keys()]))
    .orderBy(asc(dialogs.callId), asc(dialogs.localTag), asc(dialogs.remoteTag))
    .for('update');
  const theirs = callsOf(stored.map(({ evidence }) => evidence));
  const joined = [...ours].flatMap(([callId, call]) => {
    const known = theirs.get(callId);
    return visible(known === undefined ? call : joinCalls(known, call));
  });
  await upsertRows(tx, dialogs, rowsOf(joined, ledgerId));
  return joined;
}

/** Always in the same order, so that two ledgers never wait for each other's rows. */
function rowsOf(evidence: readonly Evidence[], ledgerId: string): DialogRow[] {
  const rows = evidence.flatMap((one) => {
    const row = rowOf(one);
    return row === null ? [] : [{ key: `${one.callId} ${dialogKey(one)}`, row: { ...row, ledgerId } }];
  });
  return rows.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ row }) => row);
}

function isOneOf(callIds: readonly string[]) {
  return sql`${dialogs.callId} = any(${sql.param([...callIds])}::text[])`;
}
