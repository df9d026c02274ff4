import { joinCalls, visible, type CallDialogs, type Evidence } from '@reinvite/sip';
import { and, sql } from 'drizzle-orm';
import { callsOf } from './dialog-evidence.js';
import { rowOf, type DialogRow } from './dialog-rows.js';
import { withPostgresErrors } from './errors.js';
import { database, inTransaction, type Database, type Pool } from './pool.js';
import { upsertRows } from './rows.js';
import { dialogs } from './schema/dialogs.js';

/**
 * Writes what a ledger's evidence says of each dialog. Safe to repeat; what is newer in the table stays. Evidence that says nothing
 * yet is left out. What another ledger wrote last is not written over: a call that has gone to a node whose messages go to this
 * one began there.
 * @param evidence each dialog once.
 * @returns the Call-IDs of which another ledger wrote last, for {@link joinDialogs}.
 * @throws CodedError as `withPostgresErrors`.
 */
export async function writeDialogs(
  pool: Pool,
  evidence: readonly Evidence[],
  ledgerId: string,
): Promise<ReadonlySet<string>> {
  const rows = rowsOf(evidence, ledgerId);
  const written = await withPostgresErrors(() =>
    upsertRows(database(pool), dialogs, rows, and(isNotOlder, isOurs)),
  );
  return written === rows.length ? new Set() : foreignCallIds(pool, evidence, ledgerId);
}

/**
 * Joins what is stored of some Call-IDs, whoever wrote it, with what a ledger has seen, and writes it as that ledger's. To be done
 * again where it is not known to have been done: from then on the rows are this ledger's, which must not write less.
 * @returns all that is known of them, for the ledger to go on with.
 * @throws CodedError as `withPostgresErrors`.
 */
export function joinDialogs(
  pool: Pool,
  evidence: readonly Evidence[],
  ledgerId: string,
): Promise<readonly Evidence[]> {
  return inTransaction(pool, (tx) => joinAndWrite(tx, callsOf(evidence), ledgerId));
}

const isNotOlder = sql`${dialogs.updatedAt} <= excluded.updated_at`;
const isOurs = sql`${dialogs.ledgerId} = excluded.ledger_id`;
/** As {@link rowsOf} sorts, so that two ledgers wait for each other's rows in one order. */
const inOrder = [dialogs.callId, dialogs.localTag, dialogs.remoteTag].map(
  (column) => sql`${column} collate "C"`,
);

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
    .orderBy(...inOrder)
    .for('update');
  const theirs = callsOf(stored.map(({ evidence }) => evidence));
  const joined = [...ours].flatMap(([callId, call]) => {
    const known = theirs.get(callId);
    return visible(known === undefined ? call : joinCalls(known, call));
  });
  // A row of another release that cannot be read here may be newer.
  await upsertRows(tx, dialogs, rowsOf(joined, ledgerId), isNotOlder);
  return joined;
}

function rowsOf(evidence: readonly Evidence[], ledgerId: string): DialogRow[] {
  const rows = evidence.flatMap((one) => {
    const row = rowOf(one);
    return row === null
      ? []
      : [{ key: `${one.callId} ${one.localTag} ${one.remoteTag}`, row: { ...row, ledgerId } }];
  });
  return rows.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ row }) => row);
}

function isOneOf(callIds: readonly string[]) {
  return sql`${dialogs.callId} = any(${sql.param([...callIds])}::text[])`;
}
