import { database, outbox, withPostgresErrors, type Pool } from '@reinvite/db';
import { and, asc, gt, inArray, isNull, sql } from 'drizzle-orm';

/** A message that is to be published. */
export interface OutboxRow {
  /** In the order in which the messages were appended. */
  readonly id: number;
  readonly messageId: string;
  readonly subject: string;
  readonly message: unknown;
}

/** The rows of the outbox. Every method rejects with the coded errors of `withPostgresErrors`. */
export interface OutboxRows {
  /** Unpublished rows after `after`, older than `graceMs`, at most `limit`, by id. */
  pending(after: number, graceMs: number, limit: number): Promise<OutboxRow[]>;
  /** @param ids message ids, at least one. */
  markPublished(ids: readonly string[]): Promise<void>;
  /** Removes what was published longer than `keepMs` ago. */
  prune(keepMs: number): Promise<void>;
}

/**
 * The table `outbox`.
 * @param beginning of the subjects whose messages are pending; by default of all. A relay that may not publish a subject
 * leaves its messages to one that may.
 */
export function postgresOutboxRows(pool: Pool, beginning = ''): OutboxRows {
  const db = database(pool);
  const { id, messageId, subject, message, createdAt, publishedAt } = outbox;
  return {
    pending: (after, graceMs, limit) =>
      withPostgresErrors(() =>
        db
          .select({ id, messageId, subject, message })
          .from(outbox)
          .where(
            and(
              isNull(publishedAt),
              gt(id, after),
              sql`starts_with(${subject}, ${beginning})`,
              sql`${createdAt} <= clock_timestamp() - ${graceMs} * interval '1 ms'`,
            ),
          )
          .orderBy(asc(id))
          .limit(limit),
      ),
    markPublished: async (ids) => {
      await withPostgresErrors(() =>
        db
          .update(outbox)
          .set({ publishedAt: sql`clock_timestamp()` })
          .where(inArray(messageId, [...ids])),
      );
    },
    prune: async (keepMs) => {
      await withPostgresErrors(() =>
        db.delete(outbox).where(sql`${publishedAt} < clock_timestamp() - ${keepMs} * interval '1 ms'`),
      );
    },
  };
}
