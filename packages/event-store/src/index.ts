export {
  BEGINNING,
  type AppendResult,
  type Cursor,
  type DomainEvent,
  type NewEvent,
  type OutboxMessage,
  type StoredEvent,
  type StreamAppend,
} from './event.js';
export { EventCodec, type EventCodecOptions, type RawEvent, type Upcaster } from './codec.js';
export { EventStore, type EventStoreOptions } from './event-store.js';
export { loadCursor, saveCursor } from './checkpoint.js';
export { Outbox, type OutboxOptions } from './outbox.js';
export { postgresOutboxRows, type OutboxRow, type OutboxRows } from './outbox-rows.js';
