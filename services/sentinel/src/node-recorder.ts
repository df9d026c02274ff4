import { createHash, randomUUID } from 'node:crypto';
import { subjects } from '@reinvite/bus';
import {
  evolveNode,
  isNodeNews,
  noHistory,
  type NodeDown,
  type NodeEvent,
  type NodeHistory,
} from '@reinvite/domain';
import type { AppendResult, EventStore, NewEvent, Outbox } from '@reinvite/event-store';
import { retryForever, type Logger } from '@reinvite/runtime';

export interface RecorderOptions {
  readonly store: Pick<EventStore<NodeEvent>, 'appendBatch' | 'readStream'>;
  readonly outbox: Pick<Outbox, 'publishNow'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** What is recorded of a node. */
export interface NodeRecord {
  readonly version: number;
  readonly history: NodeHistory;
}

/** Folds the stored events of a node. */
export function recordOf(
  events: readonly { readonly version: number; readonly event: NodeEvent }[],
): NodeRecord {
  return {
    version: events.at(-1)?.version ?? 0,
    history: events.reduce((history, { event }) => evolveNode(history, event), noHistory),
  };
}

export function nodeStream(nodeId: string): string {
  return `node-${nodeId}`;
}

/**
 * Appends the events of one node in their order, and publishes each `NodeDown` once it is in. With Postgres away they wait
 * here; recovery needs Postgres too, so a `NodeDown` that is published before it is recorded would help nobody.
 */
export class NodeRecorder {
  private recording: Promise<void> = Promise.resolve();
  private pending: readonly NewEvent<NodeEvent>[] = [];

  /** @param onOvertaken gets the history with what is still to be recorded, when another sentinel was first to append. */
  constructor(
    private readonly nodeId: string,
    private record: NodeRecord,
    private readonly options: RecorderOptions,
    private readonly onOvertaken: (history: NodeHistory) => void,
  ) {}

  /**
   * Resolves when the events, and all before them, are recorded.
   * @throws the signal's reason, or a terminal error of the store.
   */
  add(events: readonly NodeEvent[]): Promise<void> {
    const fresh = events.map((event) => ({ id: eventId(event), event }));
    this.pending = [...this.pending, ...fresh];
    this.recording = this.recording.then(() => this.append(fresh));
    this.recording.catch(() => undefined);
    return this.recording;
  }

  /** Resolves when nothing is left to be recorded. @throws as {@link add}. */
  recorded(): Promise<void> {
    return this.recording;
  }

  private async append(fresh: readonly NewEvent<NodeEvent>[]): Promise<void> {
    const { log, signal, outbox } = this.options;
    const result = await retryForever(() => this.tryAppend(fresh), {
      what: 'recording node events',
      log,
      signal,
      minMs: 20,
    });
    this.pending = this.pending.filter((event) => !fresh.includes(event));
    if (result !== undefined) void outbox.publishNow(result.outbox);
  }

  /** @returns undefined where another sentinel had recorded it all. */
  private async tryAppend(fresh: readonly NewEvent<NodeEvent>[]): Promise<AppendResult | undefined> {
    for (;;) {
      const [first, ...rest] = newsOf(fresh, this.record.history);
      if (first === undefined) return undefined;
      const streamId = nodeStream(this.nodeId);
      const events: [NewEvent<NodeEvent>, ...NewEvent<NodeEvent>[]] = [first, ...rest];
      const messages = events.flatMap(({ id, event }) =>
        event.type === 'NodeDown' ? [downMessage(id, event)] : [],
      );
      const [result] = await this.options.store.appendBatch([
        { streamId, expectedVersion: this.record.version, events, outbox: messages },
      ]);
      if (result === undefined || result.status === 'conflict') {
        await this.reload();
        continue;
      }
      if (result.status === 'repeated') {
        // Others may have gone on from there.
        await this.reload();
        return result;
      }
      const history = events.reduce((folded, { event }) => evolveNode(folded, event), this.record.history);
      this.record = { version: result.version, history };
      return result;
    }
  }

  /**
   * Reads what others have recorded; resolves when it is known.
   * @throws as {@link add}.
   */
  refresh(): Promise<void> {
    const { log, signal } = this.options;
    this.recording = this.recording.then(() =>
      retryForever(() => this.reload(), { what: 'reading node events', log, signal, minMs: 20 }),
    );
    this.recording.catch(() => undefined);
    return this.recording;
  }

  private async reload(): Promise<void> {
    this.record = recordOf(await this.options.store.readStream(nodeStream(this.nodeId)));
    this.options.log.info(
      { nodeId: this.nodeId, version: this.record.version },
      'another sentinel was first',
    );
    const news = newsOf(this.pending, this.record.history);
    this.onOvertaken(news.reduce((history, { event }) => evolveNode(history, event), this.record.history));
  }
}

/** Those that are news after the ones before them. */
function newsOf(fresh: readonly NewEvent<NodeEvent>[], known: NodeHistory): NewEvent<NodeEvent>[] {
  let history = known;
  return fresh.filter(({ event }) => {
    if (!isNodeNews(history, event)) return false;
    history = evolveNode(history, event);
    return true;
  });
}

function downMessage(id: string, event: NodeDown): { id: string; subject: string; message: NodeDown } {
  return { id, subject: subjects.nodeDown(event.nodeId), message: event };
}

/** The death of one life is one event, whoever records it, and so one message. */
function eventId(event: NodeEvent): string {
  if (event.type !== 'NodeDown') return randomUUID();
  const hex = createHash('sha256').update(`NodeDown:${event.nodeId}:${event.incarnation}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
