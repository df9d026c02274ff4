import { codedError } from '@reinvite/runtime';
import { call, type Process } from '../world/process.js';
import type { World } from '../world/world.js';
import { Tables, type Undo } from './tables.js';

export const POSTGRES = 'postgres';
/** A client gives an unanswered query up after this. */
const QUERY_TIMEOUT_MS = 4_000;

/** A transaction, as the parts that work in one hand it on. */
export interface Transaction {
  readonly undo: Undo;
}

/**
 * Postgres: one transaction after the other, each as a whole or not at all. A client whose connection breaks does not learn
 * whether its transaction was committed.
 */
export class Postgres {
  readonly tables = new Tables();
  /** Refuses connections. */
  isDown = false;
  /** How often a connection breaks: half of the times before the commit, half after it. */
  breaks = 0;
  private committing: Promise<unknown> = Promise.resolve();

  constructor(private readonly world: World) {}

  /** @throws CodedError `POSTGRES_UNREACHABLE`, where it may be committed all the same; what `work` throws, rolled back. */
  transact<T>(
    process: Process,
    what: string,
    work: (tx: Transaction, tables: Tables) => T | Promise<T>,
  ): Promise<T> {
    return call(process, {
      to: POSTGRES,
      // Every query has a connection of its own.
      stream: process.newStream(),
      serve: () => this.serialized(() => this.commit(process, what, work)),
      timeoutMs: QUERY_TIMEOUT_MS,
      timeout: () => unreachable('Query read timeout'),
    });
  }

  private async commit<T>(
    process: Process,
    what: string,
    work: (tx: Transaction, tables: Tables) => T | Promise<T>,
  ): Promise<T> {
    const { random, trace } = this.world;
    if (this.isDown) throw unreachable('ECONNREFUSED');
    const breaks = this.breaks > 0 && random.chance(this.breaks);
    if (breaks && random.chance(0.5)) {
      trace.note(process.name, `${what}: connection lost before the commit`);
      throw unreachable('Connection terminated unexpectedly');
    }
    const undo: Undo = [];
    let result: T;
    try {
      result = await work({ undo }, this.tables);
    } catch (error) {
      for (const back of undo.reverse()) back();
      throw error;
    }
    if (undo.length > 0) trace.note(process.name, `${what}: committed`);
    if (breaks) {
      trace.note(process.name, `${what}: connection lost after the commit`);
      throw unreachable('Connection terminated unexpectedly');
    }
    return result;
  }

  private serialized<T>(work: () => Promise<T>): Promise<T> {
    const result = this.committing.then(work);
    this.committing = result.catch(() => undefined);
    return result;
  }
}

function unreachable(message: string): Error {
  return codedError('POSTGRES_UNREACHABLE', message);
}
