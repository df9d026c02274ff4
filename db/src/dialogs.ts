import {
  evidenceSchema,
  isInvitation,
  viewOf,
  type Dialog,
  type DialogSource,
  type Evidence,
  type UnsureReason,
} from '@reinvite/sip';
import { getTableColumns, sql } from 'drizzle-orm';
import { withPostgresErrors } from './errors.js';
import { toJsonb } from './jsonb.js';
import { database, type Pool } from './pool.js';
import { upsertRows } from './rows.js';
import { dialogs } from './schema/dialogs.js';

type Row = typeof dialogs.$inferInsert;

/**
 * Writes what the evidence says of each dialog, all in one statement. Safe to repeat; of several writers of one dialog the
 * one that has seen the latest message wins. Evidence that says nothing yet is left out.
 * @param evidence each dialog once.
 * @throws CodedError as `withPostgresErrors`.
 */
export async function upsertDialogs(pool: Pool, evidence: readonly Evidence[]): Promise<void> {
  const rows = evidence.map(rowOf).filter((row) => row !== null);
  if (rows.length === 0) return;
  // Always in the same order, so that two ledgers never wait for each other's rows.
  rows.sort((a, b) => compareText(keyOf(a), keyOf(b)));
  const notOlder = sql`${dialogs.updatedAt} <= excluded.updated_at`;
  await withPostgresErrors(() => upsertRows(database(pool), dialogs, rows, notOlder));
}

/** What names a dialog. */
export interface DialogId {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
}

/** Removes dialogs that are over from the hot table. @throws CodedError as `withPostgresErrors`. */
export async function removeDialogs(pool: Pool, ids: readonly DialogId[]): Promise<void> {
  if (ids.length === 0) return;
  const { callId, localTag, remoteTag } = dialogs;
  const wanted = sql`jsonb_to_recordset(${toJsonb(ids)}::jsonb) as r("callId" text, "localTag" text, "remoteTag" text)`;
  await withPostgresErrors(() =>
    database(pool)
      .delete(dialogs)
      .where(
        sql`(${callId}, ${localTag}, ${remoteTag}) in (select "callId", "localTag", "remoteTag" from ${wanted})`,
      ),
  );
}

const PAGE = 2_000;

export interface LoadedDialogs {
  readonly evidence: readonly Evidence[];
  /** Rows that another release wrote and this one cannot read. */
  readonly unreadable: readonly DialogId[];
}

/** Every dialog of the hot table, for a ledger to go on with. @throws CodedError as `withPostgresErrors`. */
export async function loadDialogs(pool: Pool): Promise<LoadedDialogs> {
  const { callId, localTag, remoteTag } = dialogs;
  const evidence: Evidence[] = [];
  const unreadable: DialogId[] = [];
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
    for (const { evidence: stored, ...id } of page) {
      const parsed = evidenceSchema.safeParse(stored);
      if (parsed.success) evidence.push(parsed.data);
      else unreadable.push(id);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return { evidence, unreadable };
    after = last;
  }
}

/** Dialogs as the dialog-ledgers wrote them: one query, however many Call-IDs. */
export class PostgresDialogSource implements DialogSource {
  constructor(private readonly pool: Pool) {}

  async findByCallIds(callIds: readonly string[]): Promise<ReadonlyMap<string, readonly Dialog[]>> {
    const found = new Map<string, Dialog[]>();
    if (callIds.length === 0) return found;
    const columns = without(getTableColumns(dialogs), 'evidence');
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

function rowOf(evidence: Evidence): Row | null {
  const dialog = viewOf(evidence);
  if (dialog === null) return null;
  const { local, remote, inviteCSeq, localCSeq, remoteCSeq, routeSet, unsure, ...rest } = dialog;
  return {
    ...rest,
    localDisplayName: local.displayName,
    localUri: local.uri,
    remoteDisplayName: remote.displayName,
    remoteUri: remote.uri,
    inviteCseq: inviteCSeq,
    localCseq: localCSeq,
    remoteCseq: remoteCSeq,
    routeSet: [...routeSet],
    unsure: [...unsure],
    createdAt: new Date(dialog.createdAt),
    updatedAt: new Date(dialog.updatedAt),
    confirmedAt: dialog.confirmedAt === null ? null : new Date(dialog.confirmedAt),
    endedAt: dialog.endedAt === null ? null : new Date(dialog.endedAt),
    evidence,
  };
}

function dialogOf(row: Omit<typeof dialogs.$inferSelect, 'evidence'>): Dialog {
  const { localDisplayName, localUri, remoteDisplayName, remoteUri, ...others } = row;
  const { inviteCseq, localCseq, remoteCseq, ...rest } = others;
  return {
    ...rest,
    local: { displayName: localDisplayName, uri: localUri },
    remote: { displayName: remoteDisplayName, uri: remoteUri },
    inviteCSeq: inviteCseq,
    localCSeq: localCseq,
    remoteCSeq: remoteCseq,
    unsure: row.unsure.filter((reason): reason is UnsureReason => reason !== ''),
    createdAt: row.createdAt.getTime(),
    updatedAt: row.updatedAt.getTime(),
    confirmedAt: row.confirmedAt?.getTime() ?? null,
    endedAt: row.endedAt?.getTime() ?? null,
  };
}

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const copy: Partial<T> = { ...value };
  delete copy[key];
  return copy as Omit<T, K>;
}

const keyOf = ({ callId, localTag, remoteTag }: Row): string => `${callId} ${localTag} ${remoteTag}`;
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
