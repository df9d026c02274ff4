import { sql } from 'drizzle-orm';
import { bigint, bigserial, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { moment, xid8 } from './columns.js';

/** The version of every stream. Its row is what concurrent appends to one stream queue up at. */
export const streams = pgTable('streams', {
  streamId: text('stream_id').primaryKey(),
  /** Number of events in the stream. */
  version: integer('version').notNull(),
});

/** Every decision, in the order of its stream. Rows are never changed. */
export const events = pgTable(
  'events',
  {
    position: bigserial('position', { mode: 'number' }).primaryKey(),
    eventId: uuid('event_id').notNull().unique(),
    streamId: text('stream_id').notNull(),
    /** 1 for the first event of a stream. */
    version: integer('version').notNull(),
    type: text('type').notNull(),
    /** Version of the shape of `data`; an upcaster brings old ones up to date when they are read. */
    schemaVersion: integer('schema_version').notNull(),
    /** The event without its `type`. The audit views read `at` (epoch ms), `nodeId`, `incarnation`, `callId`, `recoveryId` here. */
    data: jsonb('data').$type<Record<string, unknown>>().notNull(),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    recordedAt: moment('recorded_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    /** Positions are taken before the commit; readers that tail the store go by (transaction, position), see the event store. */
    transactionId: xid8('transaction_id')
      .notNull()
      .default(sql`pg_current_xact_id()`),
  },
  (t) => [
    unique('events_stream_version').on(t.streamId, t.version),
    index('events_commit_order').on(t.transactionId, t.position),
    index('events_node_down')
      .on(t.streamId)
      .where(sql`${t.type} = 'NodeDown'`),
    index('events_restraint')
      .on(t.type, t.streamId)
      .where(sql`${t.type} in ('RecoveryHeld', 'NodeFlapping')`),
  ],
);

/** Messages to be published once the transaction that decided on them has committed. */
export const outbox = pgTable(
  'outbox',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    /** NATS message id: a message that is published again within the duplicate window is stored once. */
    messageId: text('message_id').notNull().unique(),
    subject: text('subject').notNull(),
    message: jsonb('message').$type<unknown>().notNull(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    publishedAt: moment('published_at'),
  },
  (t) => [
    index('outbox_pending')
      .on(t.id)
      .where(sql`${t.publishedAt} is null`),
    index('outbox_published')
      .on(t.publishedAt)
      .where(sql`${t.publishedAt} is not null`),
  ],
);

/** How far a reader has come: in the event store (transaction and position) or in a JetStream stream (position = sequence). */
export const checkpoints = pgTable('checkpoints', {
  name: text('name').primaryKey(),
  position: bigint('position', { mode: 'number' }).notNull().default(0),
  transactionId: xid8('transaction_id')
    .notNull()
    .default(sql`'0'::xid8`),
  /** Which life of a source the position counts in, where a source can begin anew; empty where it cannot. */
  source: text('source').notNull().default(''),
  updatedAt: moment('updated_at')
    .notNull()
    .default(sql`clock_timestamp()`),
});
