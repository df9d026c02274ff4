/** An event is flat: its type, and its fields beside it. */
export interface DomainEvent {
  readonly type: string;
}

export interface NewEvent<E extends DomainEvent> {
  /** UUID, made before the first try and kept for every further one: it makes an append safe to repeat. */
  readonly id: string;
  readonly event: E;
  /** What is no part of the decision, such as which replica took it. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface StoredEvent<E extends DomainEvent> {
  readonly id: string;
  readonly streamId: string;
  /** 1 for the first event of the stream. */
  readonly version: number;
  readonly event: E;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly recordedAt: Date;
}

/** A message that is published once the append that brought it has committed. */
export interface OutboxMessage {
  /** NATS message id; the id of the event that it follows from, or another name that is the same at every try. */
  readonly id: string;
  readonly subject: string;
  readonly message: unknown;
}

/** What one stream gets in a batch. */
export interface StreamAppend<E extends DomainEvent> {
  readonly streamId: string;
  /** Number of events that the decision was based on; 0 for a stream that must not exist yet. */
  readonly expectedVersion: number;
  readonly events: readonly [NewEvent<E>, ...NewEvent<E>[]];
  readonly outbox?: readonly OutboxMessage[];
}

export interface AppendResult {
  readonly streamId: string;
  /**
   * `appended`: it is in. `repeated`: these very events were in already, as after a commit whose answer got lost, so all that
   * belongs to them is in too. `conflict`: another writer was first; nothing of this stream is in.
   */
  readonly status: 'appended' | 'repeated' | 'conflict';
  /** Version of the stream now. */
  readonly version: number;
  /** What to publish now; empty after a conflict. */
  readonly outbox: readonly OutboxMessage[];
}

/** How far a reader of all streams has come. */
export interface Cursor {
  /** Decimal `xid8`. */
  readonly transactionId: string;
  readonly position: number;
}

/** Before the first event. */
export const BEGINNING: Cursor = { transactionId: '0', position: 0 };
