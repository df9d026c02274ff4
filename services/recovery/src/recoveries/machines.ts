import {
  advance,
  newRecovery,
  recoveryStream,
  type RecoveryEvent,
  type RecoverySnapshot,
} from '@reinvite/domain';
import type { EventStore, StoredEvent } from '@reinvite/event-store';
import { isCoded, type Logger } from '@reinvite/runtime';

export interface Machine {
  readonly snapshot: RecoverySnapshot;
  /** Number of events that it has seen. */
  readonly version: number;
}

/** How many machines are kept in memory; others are made again from their events when they are needed. */
const KEPT = 5_000;

/** The machines of this replica's recoveries, a cache over the event store. */
export class Machines {
  private readonly kept = new Map<string, Machine>();

  constructor(
    private readonly store: Pick<EventStore<RecoveryEvent>, 'readStreams'>,
    private readonly log: Logger,
  ) {}

  /** Those machines; one whose recovery does not exist, or whose events this release cannot read, is left out. @throws CodedError `POSTGRES_UNREACHABLE`. */
  async load(recoveryIds: readonly string[]): Promise<ReadonlyMap<string, Machine>> {
    const cached = new Map(recoveryIds.map((recoveryId) => [recoveryId, this.kept.get(recoveryId)]));
    const missing = recoveryIds.filter((recoveryId) => cached.get(recoveryId) === undefined);
    const read = new Map((await this.read(missing)).map(([id, events]) => [id, fold(events)]));
    const machines = new Map<string, Machine>();
    for (const recoveryId of recoveryIds) {
      // What has been kept meanwhile is newer.
      const machine = this.kept.get(recoveryId) ?? cached.get(recoveryId) ?? read.get(recoveryId);
      if (machine !== undefined) machines.set(recoveryId, machine);
    }
    // Only now: each may take the place of another that was asked for.
    for (const [recoveryId, machine] of machines) if (read.has(recoveryId)) this.keep(recoveryId, machine);
    return machines;
  }

  /** Whether it is in memory, as it was when this replica last had to do with it. */
  keeps(recoveryId: string): boolean {
    return this.kept.has(recoveryId);
  }

  keep(recoveryId: string, machine: Machine): void {
    this.kept.delete(recoveryId);
    this.kept.set(recoveryId, machine);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(oldest);
    }
  }

  /** Another replica has gone on with it. */
  forget(recoveryId: string): void {
    this.kept.delete(recoveryId);
  }

  private async read(
    recoveryIds: readonly string[],
  ): Promise<(readonly [string, readonly StoredEvent<RecoveryEvent>[]])[]> {
    try {
      const streams = await this.store.readStreams(recoveryIds.map(recoveryStream));
      return recoveryIds
        .map((recoveryId) => [recoveryId, streams.get(recoveryStream(recoveryId)) ?? []] as const)
        .filter(([, events]) => events.length > 0);
    } catch (err) {
      if (!isCoded(err, 'EVENT_UNKNOWN')) throw err;
      const [recoveryId = ''] = recoveryIds;
      if (recoveryIds.length === 1) {
        this.log.error({ err, recoveryId }, 'events of a recovery cannot be read, it is left alone');
        return [];
      }
      // One stream that cannot be read must not hold up the others.
      return (await Promise.all(recoveryIds.map((one) => this.read([one])))).flat();
    }
  }
}

function fold(events: readonly StoredEvent<RecoveryEvent>[]): Machine {
  const { snapshot } = advance(
    newRecovery(),
    events.map((stored) => stored.event),
  );
  return { snapshot, version: events.length };
}
