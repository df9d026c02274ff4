import {
  decide,
  evolve,
  newRecovery,
  type PlanRecovery,
  type RecoveryCommand,
  type RecoveryEvent,
  type RecoveryState,
} from '@reinvite/domain';
import { isCoded, type Logger } from '@reinvite/runtime';
import { BatchLoad } from './batch-load.js';
import { atHomes, commandAtHome, fitFor, planAtHome, type HomesByRecovery } from './choose-homes.js';
import type { InTransaction, Decided, Journal, Recorded } from './journal.js';
import type { Machine, Machines } from './machines.js';

export interface RecoveriesOptions {
  readonly journal: Pick<Journal, 'record' | 'publish'>;
  readonly machines: Machines;
  readonly log: Logger;
  /** Told of what was recorded, a batch at a time. */
  readonly onEvents: (events: readonly RecoveryEvent[]) => void;
}

/** Recoveries begun in one transaction. Nothing of a chunk is published before all of it is recorded. */
const CHUNK = 60;
const FIRST_CHUNK = 20;

/** A command for one recovery. */
export interface Told {
  readonly recoveryId: string;
  readonly command: RecoveryCommand;
}

/** Brings commands to the machines of the recoveries and records what they decide, any number at a time. */
export class Recoveries {
  constructor(private readonly options: RecoveriesOptions) {}

  /**
   * Begins recoveries. One that has begun before, here or in another replica, is left as it is.
   * @param closing is written in the transaction of the last of them.
   * @param guardOf gives what is asked in the transaction of some of them; see {@link Journal.record}.
   * @returns the ids of those that began now.
   */
  async plan(
    commands: readonly PlanRecovery[],
    closing?: InTransaction,
    guardOf?: (commands: readonly PlanRecovery[]) => InTransaction,
  ): Promise<ReadonlySet<string>> {
    const begun = new Set<string>();
    const publishing: Promise<void>[] = [];
    const chunks = inChunks(commands);
    if (chunks.length === 0) await this.record([], closing);
    for (const chunk of chunks) {
      const isLast = chunk === chunks.at(-1);
      const guard = guardOf?.(chunk);
      const results = await atHomes((homes) =>
        this.record(
          chunk.flatMap((command) => decidePlan(planAtHome(command, homes.get(command.recoveryId)))),
          isLast ? closing : undefined,
          guard,
        ),
      );
      publishing.push(this.options.journal.publish(results));
      for (const { recorded, recoveryId } of results) if (recorded) begun.add(recoveryId);
    }
    await Promise.all(publishing);
    return begun;
  }

  /**
   * Tells recoveries what happened. Resolves when everything that was decided on it is recorded. That nothing follows counts
   * only where the machine has just been read: one in memory may not know how another replica has gone on.
   * @param guard as of {@link Journal.record}; asked in each transaction that records something of it.
   * @throws what the guard rejects with: then nothing of that transaction is in.
   */
  async tell(all: readonly Told[], guard?: InTransaction): Promise<void> {
    const { machines, journal } = this.options;
    for (let left = all; left.length > 0;) {
      const ids = [...new Set(left.map((told) => told.recoveryId))];
      const kept = ids.filter((recoveryId) => machines.keeps(recoveryId));
      const loaded = await machines.load(ids);
      const { decisions, results } = await atHomes(async (homes) => {
        const decided = this.decideAll(left, loaded, homes);
        return { decisions: decided, results: await this.record(decided, undefined, guard) };
      });
      await journal.publish(results);
      const known = new Set(decisions.map(({ recoveryId }) => recoveryId));
      const unsure = kept.filter((recoveryId) => !known.has(recoveryId));
      unsure.forEach((recoveryId) => machines.forget(recoveryId));
      const conflicts = results.filter((result) => !result.recorded).map((result) => result.recoveryId);
      const again = new Set([...unsure, ...conflicts]);
      left = left.filter((told) => again.has(told.recoveryId));
    }
  }

  /** The state of recoveries, by id; one that does not exist has no entry. @throws CodedError `POSTGRES_UNREACHABLE`. */
  async states(recoveryIds: readonly string[]): Promise<ReadonlyMap<string, RecoveryState>> {
    const machines = await this.options.machines.load(recoveryIds);
    return new Map(
      [...machines].map(([recoveryId, { snapshot }]) => [recoveryId, snapshot.context.recovery]),
    );
  }

  private decideAll(
    all: readonly Told[],
    machines: ReadonlyMap<string, Machine>,
    homes: HomesByRecovery,
  ): Decided[] {
    const byRecovery = new Map<string, RecoveryCommand[]>();
    for (const { recoveryId, command } of all) {
      const commands = byRecovery.get(recoveryId);
      if (commands === undefined) byRecovery.set(recoveryId, [command]);
      else commands.push(command);
    }
    const load = new BatchLoad();
    return [...byRecovery].flatMap(([recoveryId, commands]) => {
      const machine = machines.get(recoveryId);
      if (machine === undefined) {
        this.options.log.warn(
          { recoveryId, commands: commands.length },
          'told of a recovery that does not exist',
        );
        return [];
      }
      const [first, ...others] = decideInTurn(
        machine.snapshot.context.recovery,
        commands.map((command) => commandAtHome(load.added(command), homes.get(recoveryId))),
      );
      if (first === undefined) return [];
      load.note([first, ...others]);
      return [{ recoveryId, ...machine, events: [first, ...others], fit: fitFor(commands) }];
    });
  }

  private async record(
    decisions: readonly Decided[],
    closing?: InTransaction,
    guard?: InTransaction,
  ): Promise<Recorded[]> {
    if (decisions.length === 0 && closing === undefined) return [];
    const { journal, machines, log, onEvents } = this.options;
    try {
      const results = await journal.record(decisions, closing, guard);
      for (const { recorded, recoveryId, snapshot, version } of results) {
        if (!recorded) machines.forget(recoveryId);
        else machines.keep(recoveryId, { snapshot, version });
      }
      onEvents(results.filter((result) => result.recorded).flatMap((result) => result.events));
      return results;
    } catch (err) {
      if (!isCoded(err) || err.class === 'retryable') throw err;
      const [only] = decisions;
      if (decisions.length === 1 && only !== undefined && closing === undefined) {
        log.error({ err, recoveryId: only.recoveryId }, 'recovery not recorded, it is given up');
        return [];
      }
      if (only === undefined) throw err;
      // One recovery that Postgres refuses must not take the others along.
      const alone: Recorded[] = [];
      for (const decision of decisions) alone.push(...(await this.record([decision], undefined, guard)));
      if (closing !== undefined) await this.record([], closing);
      return alone;
    }
  }
}

function decidePlan(command: PlanRecovery): Decided[] {
  const snapshot = newRecovery();
  const [first, ...others] = decide(command, snapshot.context.recovery);
  if (first === undefined) return [];
  const fit = fitFor([command]);
  return [{ recoveryId: command.recoveryId, snapshot, version: 0, events: [first, ...others], fit }];
}

/** A small chunk first: its originates keep the targets busy while the rest is recorded. */
function inChunks<T>(items: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let from = 0; from < items.length;) {
    const size = chunks.length === 0 ? FIRST_CHUNK : CHUNK;
    chunks.push(items.slice(from, from + size));
    from += size;
  }
  return chunks;
}

function decideInTurn(state: RecoveryState, commands: readonly RecoveryCommand[]): RecoveryEvent[] {
  const happened: RecoveryEvent[] = [];
  let current = state;
  for (const command of commands) {
    const events = decide(command, current);
    happened.push(...events);
    current = events.reduce(evolve, current);
  }
  return happened;
}
