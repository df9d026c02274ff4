import type { Database } from '@reinvite/db';
import type {
  AppendResult,
  DomainEvent,
  EventStore,
  OutboxRows,
  StoredEvent,
  StreamAppend,
} from '@reinvite/event-store';
import { codedError } from '@reinvite/runtime';
import type { z } from 'zod';
import type { Process } from '../world/process.js';
import type { Wrong } from '../wrong.js';
import type { Postgres, Transaction } from './server.js';
import type { StoredRow, Tables } from './tables.js';

type Store<E extends DomainEvent> = Pick<
  EventStore<E>,
  'append' | 'appendBatch' | 'readStream' | 'readStreams'
>;

/** What `EventStore` promises, on the simulated Postgres. */
export class SimulatedEventStore<E extends DomainEvent> implements Store<E> {
  constructor(
    private readonly process: Process,
    private readonly postgres: Postgres,
    private readonly schema: z.ZodType<E>,
    private readonly wrong: Wrong,
  ) {}

  appendBatch(
    appends: readonly StreamAppend<E>[],
    within?: (tx: Database, appended: ReadonlySet<string>) => Promise<void>,
  ): Promise<AppendResult[]> {
    if (appends.length === 0) return Promise.resolve([]);
    const types = appends.flatMap((one) => one.events.map(({ event }) => event.type));
    return this.postgres.transact(this.process, `append ${types.join(' ')}`, async (tx, tables) => {
      const results = appends.map((append) => this.appendOne(tx, tables, append));
      const appended = new Set(results.filter((one) => one.status === 'appended').map((one) => one.streamId));
      // The parts that write in the transaction only hand it on.
      if (within !== undefined && appended.size > 0) await within(tx as unknown as Database, appended);
      return results;
    });
  }

  async append(append: StreamAppend<E>): Promise<AppendResult> {
    const [result] = await this.appendBatch([append]);
    if (result === undefined || result.status === 'conflict')
      throw codedError('STREAM_VERSION_CONFLICT', `${append.streamId} has gone on`);
    return result;
  }

  async readStream(streamId: string): Promise<StoredEvent<E>[]> {
    return [...((await this.readStreams([streamId])).get(streamId) ?? [])];
  }

  readStreams(streamIds: readonly string[]): Promise<ReadonlyMap<string, readonly StoredEvent<E>[]>> {
    return this.postgres.transact(this.process, 'read streams', (_tx, { streams }) => {
      const found = new Map<string, readonly StoredEvent<E>[]>();
      for (const streamId of streamIds) {
        const rows = streams.get(streamId);
        if (rows !== undefined)
          found.set(
            streamId,
            rows.map((row) => this.stored(row)),
          );
      }
      return found;
    });
  }

  private appendOne(tx: Transaction, tables: Tables, append: StreamAppend<E>): AppendResult {
    const { streamId, expectedVersion, events, outbox = [] } = append;
    const there = tables.streams.get(streamId) ?? [];
    const version = this.wrong.noVersionCheck ? there.length : expectedVersion;
    if (there.length !== version) {
      const follows = there.slice(expectedVersion, expectedVersion + events.length);
      const isRepeated =
        follows.length === events.length && follows.every((row, index) => row.id === events[index]?.id);
      const status = isRepeated ? 'repeated' : 'conflict';
      return { streamId, status, version: there.length, outbox: isRepeated ? outbox : [] };
    }
    const fresh = events.map(({ id, event }, index): StoredRow => ({
      id,
      streamId,
      version: version + index + 1,
      json: JSON.stringify(event),
      recordedAt: Date.now(),
    }));
    tables.streams.set(tx.undo, streamId, [...there, ...fresh]);
    for (const { id, subject, message } of outbox) {
      if (tables.outbox.get(id) !== undefined) continue;
      tables.outbox.set(tx.undo, id, {
        id: tables.nextOutboxId(),
        messageId: id,
        subject,
        json: JSON.stringify(message),
        createdAt: Date.now(),
        publishedAt: null,
      });
    }
    return { streamId, status: 'appended', version: version + events.length, outbox };
  }

  private stored({ id, streamId, version, json, recordedAt }: StoredRow): StoredEvent<E> {
    const event = this.schema.parse(JSON.parse(json));
    return { id, streamId, version, event, metadata: {}, recordedAt: new Date(recordedAt) };
  }
}

/** The table of the outbox; those of its rows whose subject begins with `subjects`. */
export function simulatedOutboxRows(process: Process, postgres: Postgres, subjects = ''): OutboxRows {
  return {
    pending: (after, graceMs, limit) =>
      postgres.transact(process, 'read outbox', (_tx, { outbox }) =>
        [...outbox.values()]
          .filter((row) => row.publishedAt === null && row.subject.startsWith(subjects))
          .filter((row) => row.id > after && row.createdAt <= Date.now() - graceMs)
          .slice(0, limit)
          .map(({ id, messageId, subject, json }) => ({
            id,
            messageId,
            subject,
            message: JSON.parse(json) as unknown,
          })),
      ),
    markPublished: (ids) =>
      postgres.transact(process, 'mark published', (tx, { outbox }) => {
        for (const id of ids) {
          const row = outbox.get(id);
          if (row !== undefined) outbox.set(tx.undo, id, { ...row, publishedAt: Date.now() });
        }
      }),
    // A run is shorter than anything is kept.
    prune: async () => undefined,
  };
}
