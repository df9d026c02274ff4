import type { BridgeObserved, LegObserved, RecoveryReply, RecoveryRequest } from '@reinvite/domain';
import type { LegRow, RecoveryRow } from '@reinvite/recovery/logic';

export interface StoredRow {
  readonly id: string;
  readonly streamId: string;
  readonly version: number;
  /** The event as JSON: nothing of a writer's memory is shared with a reader. */
  readonly json: string;
  readonly recordedAt: number;
}

export interface OutboxTableRow {
  readonly id: number;
  readonly messageId: string;
  readonly subject: string;
  readonly json: string;
  readonly createdAt: number;
  readonly publishedAt: number | null;
}

export interface DeadlineTableRow {
  readonly id: string;
  readonly recoveryId: string;
  readonly kind: string;
  readonly payload: unknown;
  readonly dueAt: number;
  readonly doneAt: number | null;
}

export interface Gone {
  readonly seq: number;
  readonly goneAt: number | null;
}

export interface IncarnationTableRow {
  readonly syncingSeq: number | null;
  readonly closedAt: number | null;
}

export interface RequestTableRow {
  readonly request: RecoveryRequest;
  readonly reply: Extract<RecoveryReply, { readonly status: 'accepted' }> | null;
}

/** A table whose changes a transaction can take back. */
export class Table<V> {
  private readonly rows = new Map<string, V>();

  get(key: string): V | undefined {
    return this.rows.get(key);
  }

  values(): IterableIterator<V> {
    return this.rows.values();
  }

  entries(): IterableIterator<[string, V]> {
    return this.rows.entries();
  }

  get size(): number {
    return this.rows.size;
  }

  delete(undo: Undo, key: string): void {
    const before = this.rows.get(key);
    if (before === undefined) return;
    undo.push(() => this.rows.set(key, before));
    this.rows.delete(key);
  }

  set(undo: Undo, key: string, row: V): void {
    const before = this.rows.get(key);
    undo.push(() => {
      if (before === undefined) this.rows.delete(key);
      else this.rows.set(key, before);
    });
    this.rows.set(key, row);
  }
}

/** What takes a transaction back, the latest change first. */
export type Undo = (() => void)[];

/** What Postgres holds. */
export class Tables {
  readonly streams = new Table<readonly StoredRow[]>();
  readonly outbox = new Table<OutboxTableRow>();
  readonly recoveries = new Table<RecoveryRow>();
  readonly legs = new Table<LegRow>();
  readonly deadlines = new Table<DeadlineTableRow>();
  readonly callLegs = new Table<LegObserved & Gone>();
  readonly callBridges = new Table<BridgeObserved & Gone>();
  readonly incarnations = new Table<IncarnationTableRow>();
  readonly checkpoints = new Table<number>();
  readonly requests = new Table<RequestTableRow>();
  private outboxIds = 0;

  /** A sequence: what is rolled back leaves a hole. */
  nextOutboxId(): number {
    this.outboxIds += 1;
    return this.outboxIds;
  }
}

export function keyOf(...parts: readonly (string | number)[]): string {
  return parts.join('\u0000');
}
