import { randomUUID } from 'node:crypto';
import { subjects } from '@reinvite/bus';
import { inTransaction, type Database, type Pool } from '@reinvite/db';
import {
  advance,
  earlyDialogsOf,
  recoveryStream,
  type Candidate,
  type RecoveryEvent,
  type RecoverySnapshot,
  type RecoveryState,
} from '@reinvite/domain';
import type { AppendResult, EventStore, Outbox, OutboxMessage, StreamAppend } from '@reinvite/event-store';
import { isCoded, retryForever, type CodedError, type Logger } from '@reinvite/runtime';
import type { ConferenceHomes, WantedHome } from '../conferences/homes.js';
import { takeHomes, wantedHomes } from './choose-homes.js';
import { rowsOf } from './read-rows.js';
import { writeReadSide, type Deadline, type ReadSideChanges } from './write-read-side.js';

/** A recovery, and what was decided to happen in it. */
export interface Decided {
  readonly recoveryId: string;
  /** The machine that the decision was based on. */
  readonly snapshot: RecoverySnapshot;
  /** Number of events that the machine has seen. */
  readonly version: number;
  readonly events: readonly [RecoveryEvent, ...RecoveryEvent[]];
  /** The nodes that were to choose from. */
  readonly fit?: readonly Candidate[];
}

export interface Recorded {
  readonly recoveryId: string;
  /** False where another replica was first: decide again on what is there now. */
  readonly recorded: boolean;
  readonly snapshot: RecoverySnapshot;
  readonly version: number;
  readonly events: readonly RecoveryEvent[];
  /** Commands to publish now. */
  readonly outbox: readonly OutboxMessage[];
}

/** Runs in a transaction, its own or that of decisions; done again it changes nothing more. What it rejects with undoes all of it. */
export type InTransaction = (tx: Database) => Promise<void>;

/** Where the read side is written. */
export interface ReadSide {
  /** In the transaction that appends the events. */
  write(tx: Database, changes: ReadSideChanges): Promise<void>;
  /** A transaction without events. @throws as `inTransaction`. */
  transaction(work: InTransaction): Promise<void>;
}

export function postgresReadSide(pool: Pool): ReadSide {
  return { write: writeReadSide, transaction: (work) => inTransaction(pool, work) };
}

export interface JournalOptions {
  readonly readSide: ReadSide;
  readonly store: Pick<EventStore<RecoveryEvent>, 'appendBatch'>;
  readonly outbox: Pick<Outbox, 'publishNow'>;
  /** Where conferences are joined that several recoveries bring back; without it each goes where it likes. */
  readonly homes?: ConferenceHomes;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

interface Prepared {
  readonly recorded: Omit<Recorded, 'recorded' | 'outbox'>;
  readonly append: StreamAppend<RecoveryEvent>;
  readonly changes: ReadSideChanges;
  readonly wanted: readonly WantedHome[];
}

/**
 * Records decisions and carries out their effects. The events, the read side, the deadlines and the commands to the
 * ari-workers are in together or not at all; commands are published once they are in.
 */
export class Journal {
  constructor(private readonly options: JournalOptions) {}

  /**
   * All decisions in one transaction, each recovery once; tries until Postgres answers. What is to be published comes back:
   * the machines have to know of their events before the first answer to a command can come.
   * @param closing is in that transaction too.
   * @param guard rejects with `RECOVERY_RESTRAINED` or `RECOVERY_CLAIMED` in that transaction where the decisions may not be
   * recorded any more.
   * @throws CodedError `POSTGRES_QUERY_FAILED` where Postgres refuses, and what the guard rejects with; then nothing of it is in.
   */
  async record(
    decisions: readonly Decided[],
    closing?: InTransaction,
    guard?: InTransaction,
  ): Promise<Recorded[]> {
    const { store, readSide, log, signal } = this.options;
    const prepared = decisions.map(prepare);
    // Event ids are made once: a commit whose answer got lost is recognized when it is tried again.
    const append = (): Promise<AppendResult[]> =>
      store.appendBatch(
        prepared.map((one) => one.append),
        async (tx, appended) => {
          await guard?.(tx);
          await this.takeHomes(tx, prepared, appended);
          await readSide.write(tx, changesOf(prepared, appended));
          await closing?.(tx);
        },
      );
    // Trying again does not help what is overtaken: it has to be decided anew.
    const results = await retryForever(
      () => append().catch((error: unknown) => (isOvertaken(error) ? error : reject(error))),
      { what: 'recording recoveries', log, signal, minMs: 20 },
    );
    if (!Array.isArray(results)) throw results;
    if (closing !== undefined && !results.some((result) => result.status === 'appended'))
      await this.close(closing);
    return prepared.map(({ recorded }, index) => {
      const result = results[index];
      return { ...recorded, recorded: result?.status !== 'conflict', outbox: result?.outbox ?? [] };
    });
  }

  private async takeHomes(
    tx: Database,
    prepared: readonly Prepared[],
    appended: ReadonlySet<string>,
  ): Promise<void> {
    const { homes } = this.options;
    if (homes === undefined) return;
    const wanted = prepared
      .filter(({ append }) => appended.has(append.streamId))
      .flatMap((one) => one.wanted);
    await takeHomes(homes, tx, wanted);
  }

  private async close(closing: InTransaction): Promise<void> {
    const { readSide, log, signal } = this.options;
    const what = 'closing the records of an incarnation';
    await retryForever(() => readSide.transaction(closing), { what, log, signal, minMs: 20 });
  }

  /** Hands the commands to JetStream; what fails is left to the outbox' relay. Never rejects. */
  publish(recorded: readonly Recorded[]): Promise<void> {
    return this.options.outbox.publishNow(recorded.flatMap((one) => one.outbox));
  }
}

/** What decisions were based on has changed. */
function isOvertaken(error: unknown): error is CodedError {
  return (
    isCoded(error, 'RECOVERY_RESTRAINED') ||
    isCoded(error, 'RECOVERY_CLAIMED') ||
    isCoded(error, 'CONFERENCE_ELSEWHERE')
  );
}

function reject(error: unknown): never {
  throw error;
}

function prepare({ recoveryId, snapshot, version, events, fit = [] }: Decided): Prepared {
  const next = advance(snapshot, events);
  const state = next.snapshot.context.recovery;
  const set: Deadline[] = [];
  const cleared: string[] = [];
  const outbox: { id: string; subject: string; message: unknown }[] = [];
  for (const effect of next.effects) {
    if (effect.type === 'setDeadline') set.push(effect);
    else if (effect.type === 'clearDeadlines') cleared.push(effect.recoveryId);
    else
      outbox.push({
        id: effect.command.commandId,
        subject: subjects.restoreCommand(effect.command.target),
        message: effect.command,
      });
  }
  for (const event of events) {
    const message = event.type === 'RecoveryPlanned' ? earlyDialogsOf(event) : null;
    if (message !== null) outbox.push({ id: `${recoveryId}-early`, subject: subjects.endEarly, message });
  }
  const [first, ...others] = events.map((event) => ({ id: randomUUID(), event }));
  if (first === undefined) throw new RangeError('nothing was decided');
  return {
    recorded: { recoveryId, snapshot: next.snapshot, version: version + events.length, events },
    append: {
      streamId: recoveryStream(recoveryId),
      expectedVersion: version,
      events: [first, ...others],
      outbox,
    },
    changes: { rows: rows(state, events), set, cleared },
    wanted: wantedHomes(snapshot.context.recovery, events, fit),
  };
}

function rows(state: RecoveryState, events: readonly RecoveryEvent[]): ReadSideChanges['rows'] {
  return state.phase === 'unplanned' ? [] : [rowsOf(state.plan, events, state)];
}

function changesOf(prepared: readonly Prepared[], appended: ReadonlySet<string>): ReadSideChanges {
  const changes = prepared.filter((one) => appended.has(one.append.streamId)).map((one) => one.changes);
  return {
    rows: changes.flatMap((one) => one.rows),
    set: changes.flatMap((one) => one.set),
    cleared: changes.flatMap((one) => one.cleared),
  };
}
