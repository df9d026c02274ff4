import {
  database,
  events,
  inTransaction,
  warmPool,
  withPostgresErrors,
  type Database,
  type Pool,
} from '@reinvite/db';
import { codedError } from '@reinvite/runtime';
import { asc, eq, inArray, sql } from 'drizzle-orm';
import { appendEvents } from './append.js';
import type { EventCodec } from './codec.js';
import type { AppendResult, Cursor, DomainEvent, StoredEvent, StreamAppend } from './event.js';

export interface EventStoreOptions<E extends DomainEvent> {
  readonly pool: Pool;
  readonly codec: EventCodec<E>;
}

/**
 * Streams of events in Postgres. The invariants:
 * 1. An event goes in only as the next of its stream after the version that its decision was based on.
 * 2. The events of one stream, its outbox messages and what `within` writes are in together, or not at all.
 * 3. Streams of one batch do not depend on each other: one in conflict is left out and reported, the others go in. A node's
 *    death appends to hundreds of streams at once, and one call that another replica was faster with must not hold up the rest.
 * 4. The same append tried again (same event ids) changes nothing and is reported as `repeated`.
 * 5. A reader of all streams sees each event exactly once, in an order that later commits never change.
 */
export class EventStore<E extends DomainEvent> {
  private readonly db: Database;

  constructor(private readonly options: EventStoreOptions<E>) {
    this.db = database(options.pool);
  }

  /** Opens connections and plans the append on each, so that the first one is as fast as the next. @throws as {@link appendBatch}. */
  async warm(connections: number): Promise<void> {
    await warmPool(this.options.pool, connections, `select append_events('[]', '[]', '[]')`);
  }

  /**
   * Appends to any number of streams, in one transaction and, without `within`, in one round trip.
   * @param appends each stream at most once.
   * @param within writes in the same transaction what the events change elsewhere; gets the streams that were appended just
   * now (not those in conflict or repeated), and is left out when there are none.
   * @returns one result per stream, in the order of `appends`.
   * @throws CodedError `POSTGRES_UNREACHABLE` or `POSTGRES_BUSY`: try again with the same ids; `POSTGRES_QUERY_FAILED`; what `within` throws.
   */
  async appendBatch(
    appends: readonly StreamAppend<E>[],
    within?: (tx: Database, appended: ReadonlySet<string>) => Promise<void>,
  ): Promise<AppendResult[]> {
    if (appends.length === 0) return [];
    if (new Set(appends.map((a) => a.streamId)).size < appends.length) {
      throw new RangeError('a batch appends to each stream at most once');
    }
    const { pool, codec } = this.options;
    if (within === undefined) return withPostgresErrors(() => appendEvents(this.db, codec, appends));
    return inTransaction(pool, async (tx) => {
      const results = await appendEvents(tx, codec, appends);
      const appended = new Set(results.filter((r) => r.status === 'appended').map((r) => r.streamId));
      if (appended.size > 0) await within(tx, appended);
      return results;
    });
  }

  /**
   * Appends to one stream.
   * @throws CodedError `STREAM_VERSION_CONFLICT` where another writer was first; else as {@link appendBatch}.
   */
  async append(append: StreamAppend<E>, within?: (tx: Database) => Promise<void>): Promise<AppendResult> {
    const [result] = await this.appendBatch([append], within === undefined ? undefined : (tx) => within(tx));
    if (result === undefined || result.status === 'conflict') {
      const { streamId, expectedVersion } = append;
      throw codedError('STREAM_VERSION_CONFLICT', `${streamId} is not at version ${expectedVersion}`, {
        streamId,
        expectedVersion,
        version: result?.version,
      });
    }
    return result;
  }

  /** The events of a stream in order; none for a stream that does not exist. @throws CodedError `EVENT_UNKNOWN`, or as {@link appendBatch}. */
  async readStream(streamId: string): Promise<StoredEvent<E>[]> {
    const rows = await withPostgresErrors(() =>
      this.db.select().from(events).where(eq(events.streamId, streamId)).orderBy(asc(events.version)),
    );
    return rows.map((row) => this.stored(row));
  }

  /** The events of many streams in one query, by stream id; a stream that does not exist has no entry. @throws as {@link readStream}. */
  async readStreams(streamIds: readonly string[]): Promise<ReadonlyMap<string, readonly StoredEvent<E>[]>> {
    const found = new Map<string, StoredEvent<E>[]>();
    if (streamIds.length === 0) return found;
    const rows = await withPostgresErrors(() =>
      this.db
        .select()
        .from(events)
        .where(inArray(events.streamId, [...streamIds]))
        .orderBy(asc(events.streamId), asc(events.version)),
    );
    for (const row of rows) {
      const stream = found.get(row.streamId);
      if (stream === undefined) found.set(row.streamId, [this.stored(row)]);
      else stream.push(this.stored(row));
    }
    return found;
  }

  /**
   * The next events of all streams whose type is one of `types`, at most `limit`.
   *
   * Positions are given out before the commit, so that an event with a lower one may become visible later. The order is
   * therefore that of the transactions, and only those are read that began before every transaction still running
   * (`pg_snapshot_xmin`): nothing can come before them any more. A long transaction anywhere in the database server holds
   * readers back meanwhile.
   * @throws as {@link readStream}.
   */
  async readAll(
    types: readonly E['type'][],
    after: Cursor,
    limit: number,
  ): Promise<{ events: StoredEvent<E>[]; cursor: Cursor }> {
    const rows = await withPostgresErrors(() =>
      this.db
        .select()
        .from(events)
        .where(
          sql`(${events.transactionId}, ${events.position}) > (${after.transactionId}::xid8, ${after.position}::bigint)
            and ${events.transactionId} < pg_snapshot_xmin(pg_current_snapshot())
            and ${inArray(events.type, [...types])}`,
        )
        .orderBy(asc(events.transactionId), asc(events.position))
        .limit(limit),
    );
    const last = rows.at(-1);
    return {
      events: rows.map((row) => this.stored(row)),
      cursor: last === undefined ? after : { transactionId: last.transactionId, position: last.position },
    };
  }

  private stored(row: typeof events.$inferSelect): StoredEvent<E> {
    const { eventId: id, streamId, version, metadata, recordedAt } = row;
    return {
      id,
      streamId,
      version,
      metadata,
      recordedAt,
      event: this.options.codec.decode(row.type, row.schemaVersion, row.data),
    };
  }
}
