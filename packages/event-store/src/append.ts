import { toJsonb, type Database } from '@reinvite/db';
import { sql } from 'drizzle-orm';
import type { EventCodec } from './codec.js';
import type { AppendResult, DomainEvent, OutboxMessage, StreamAppend } from './event.js';

interface AppendRow extends Record<string, unknown> {
  readonly stream_id: string;
  readonly status: AppendResult['status'];
  readonly version: number;
}

/** One call of the SQL function `append_events`: one round trip, whatever the number of streams. */
export async function appendEvents<E extends DomainEvent>(
  db: Database,
  codec: EventCodec<E>,
  appends: readonly StreamAppend<E>[],
): Promise<AppendResult[]> {
  const streams = appends.map((a) => ({
    stream: a.streamId,
    expected: a.expectedVersion,
    count: a.events.length,
  }));
  const events = appends.flatMap((a) =>
    a.events.map((e, i) => eventRow(codec, a, e, a.expectedVersion + i + 1)),
  );
  const messages = appends.flatMap((a) =>
    (a.outbox ?? []).map((message) => ({ stream: a.streamId, ...message })),
  );
  const { rows } = await db.execute<AppendRow>(
    sql`select stream_id, status, version
        from append_events(${toJsonb(streams)}::jsonb, ${toJsonb(events)}::jsonb, ${toJsonb(messages)}::jsonb)`,
  );
  const found = new Map(rows.map((row) => [row.stream_id, row]));
  return appends.map(({ streamId, outbox = [] }) => resultOf(streamId, found.get(streamId), outbox));
}

function eventRow<E extends DomainEvent>(
  codec: EventCodec<E>,
  { streamId: stream }: StreamAppend<E>,
  { id, event, metadata = {} }: StreamAppend<E>['events'][number],
  version: number,
): Record<string, unknown> {
  const { type, schemaVersion: schema, data } = codec.encode(event);
  return { stream, version, id, type, schema, data, metadata };
}

function resultOf(
  streamId: string,
  row: AppendRow | undefined,
  outbox: readonly OutboxMessage[],
): AppendResult {
  if (row === undefined) throw new Error(`append_events did not answer for ${streamId}`);
  const { status, version } = row;
  return { streamId, status, version, outbox: status === 'conflict' ? [] : outbox };
}
