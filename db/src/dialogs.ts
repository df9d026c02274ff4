import {
  evidenceSchema,
  isInvitation,
  viewOf,
  type Dialog,
  type DialogSource,
  type Evidence,
} from '@reinvite/sip';
import { getTableColumns, sql } from 'drizzle-orm';
import { dialogOf } from './dialog-rows.js';
import { withPostgresErrors } from './errors.js';
import { toJsonb } from './jsonb.js';
import { database, type Pool } from './pool.js';
import { dialogs } from './schema/dialogs.js';

/** What names a dialog. */
export interface DialogId {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
}

/**
 * Removes dialogs that are over from the hot table, save those of which another ledger has heard since.
 * @throws CodedError as `withPostgresErrors`.
 */
export async function removeDialogs(pool: Pool, evidence: readonly Evidence[]): Promise<void> {
  const over = evidence.flatMap((one) => {
    const dialog = viewOf(one);
    if (dialog === null) return [];
    const { callId, localTag, remoteTag, updatedAt } = dialog;
    return [{ callId, localTag, remoteTag, updatedAt }];
  });
  if (over.length === 0) return;
  const { callId, localTag, remoteTag } = dialogs;
  const wanted = sql`jsonb_to_recordset(${toJsonb(over)}::jsonb) as r("callId" text, "localTag" text, "remoteTag" text, "updatedAt" float8)`;
  await withPostgresErrors(() =>
    database(pool)
      .delete(dialogs)
      .where(
        sql`exists (select from ${wanted} where (${callId}, ${localTag}, ${remoteTag}) = ("callId", "localTag", "remoteTag")
          and ${dialogs.updatedAt} <= to_timestamp(r."updatedAt" / 1000))`,
      ),
  );
}

/** So few that a ledger can read what arrives meanwhile. */
const PAGE = 500;

export interface LoadedPage {
  readonly evidence: readonly Evidence[];
  /** Rows that another release wrote and this one cannot read. */
  readonly unreadable: readonly DialogId[];
}

/**
 * Gives every dialog of the hot table, a page at a time, for a ledger to go on with: all at once they would take many times
 * the room that the ledger needs for them.
 * @throws CodedError as `withPostgresErrors`.
 */
export async function loadDialogs(pool: Pool, take: (page: LoadedPage) => void): Promise<void> {
  const { callId, localTag, remoteTag } = dialogs;
  let after: DialogId = { callId: '', localTag: '', remoteTag: '' };
  for (;;) {
    const page = await withPostgresErrors(() =>
      database(pool)
        .select({ callId, localTag, remoteTag, evidence: dialogs.evidence })
        .from(dialogs)
        .where(
          sql`(${callId}, ${localTag}, ${remoteTag}) > (${after.callId}, ${after.localTag}, ${after.remoteTag})`,
        )
        .orderBy(callId, localTag, remoteTag)
        .limit(PAGE),
    );
    const evidence: Evidence[] = [];
    const unreadable: DialogId[] = [];
    for (const { evidence: stored, ...id } of page) {
      const parsed = evidenceSchema.safeParse(stored);
      if (parsed.success) evidence.push(parsed.data);
      else unreadable.push(id);
    }
    take({ evidence, unreadable });
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last;
  }
}

/** Dialogs as the dialog-ledgers wrote them: one query, however many Call-IDs. */
export class PostgresDialogSource implements DialogSource {
  constructor(private readonly pool: Pool) {}

  async findByCallIds(callIds: readonly string[]): Promise<ReadonlyMap<string, readonly Dialog[]>> {
    const found = new Map<string, Dialog[]>();
    if (callIds.length === 0) return found;
    const columns = without(without(getTableColumns(dialogs), 'evidence'), 'ledgerId');
    const rows = await withPostgresErrors(() =>
      database(this.pool)
        .select(columns)
        .from(dialogs)
        .where(sql`${dialogs.callId} = any(${sql.param([...callIds])}::text[])`),
    );
    for (const row of rows) {
      const known = found.get(row.callId);
      if (known === undefined) found.set(row.callId, [dialogOf(row)]);
      else known.push(dialogOf(row));
    }
    for (const [callId, all] of found)
      found.set(
        callId,
        all.filter((dialog) => !isAnswered(dialog, all)),
      );
    return found;
  }
}

/** An invitation is part of the dialogs that answered it. */
function isAnswered(invitation: Dialog, all: readonly Dialog[]): boolean {
  if (!isInvitation(invitation)) return false;
  const { localTag, remoteTag } = invitation;
  return all.some(
    (one) =>
      !isInvitation(one) && (remoteTag === '' ? one.localTag === localTag : one.remoteTag === remoteTag),
  );
}

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const copy: Partial<T> = { ...value };
  delete copy[key];
  return copy as Omit<T, K>;
}
