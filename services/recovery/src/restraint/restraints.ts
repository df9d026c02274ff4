import { randomUUID } from 'node:crypto';
import type { Database, Pool } from '@reinvite/db';
import {
  flappingOf,
  flappingStream,
  type ControlStatus,
  type Control,
  type NodeDeath,
  type NodeFlapping,
  type Restraint,
} from '@reinvite/domain';
import type { EventStore } from '@reinvite/event-store';
import { codedError, type Config } from '@reinvite/runtime';
import type { NodeBook } from '../nodes/node-book.js';
import type { Raise } from './alarms.js';
import { guardOf, type ControlLog } from './control-log.js';
import { deathsSince } from './deaths.js';

/** A heartbeat that is older says nothing of the node as it is now. */
const FRESH_MS = 2_000;

/** What a plan is made under; `guard` belongs into the transaction that records it. */
export interface Held {
  readonly restraint?: Restraint;
  readonly guard: (tx: Database) => Promise<void>;
}

export interface RestraintOptions {
  readonly pool: Pool;
  /** The deaths that were recorded since a moment, epoch ms. Default: from the tables of `pool`. */
  readonly deaths?: (since: number) => Promise<NodeDeath[]>;
  /** Default: {@link guardOf}. */
  readonly guard?: typeof guardOf;
  readonly control: ControlLog;
  readonly flapping: Pick<EventStore<NodeFlapping>, 'appendBatch'>;
  readonly nodes: Pick<NodeBook, 'lately'>;
  readonly settings: Pick<Config['recovery'], 'flapping' | 'massFailure'>;
  /** The nodes that the configuration names. */
  readonly nodeIds: readonly string[];
  readonly raise: Raise;
  /** Makes calls that wait for a node wait for the operator as well, until then (epoch ms). */
  readonly holdWaiting?: (until: number) => Promise<void>;
}

/** Keeps recovery from making it worse: looks at what else has died before a node's calls are planned. */
export class Restraints {
  private readonly deaths: NonNullable<RestraintOptions['deaths']>;
  private readonly guard: typeof guardOf;

  constructor(private readonly options: RestraintOptions) {
    this.deaths = options.deaths ?? ((since) => deathsSince(options.pool, since));
    this.guard = options.guard ?? guardOf;
  }

  /**
   * What the plans of a dead node's calls are made under. Declares a mass failure where this death makes one.
   * @throws CodedError `POSTGRES_UNREACHABLE`: to be asked again.
   */
  async of(dead: NodeDeath): Promise<Held> {
    const { control, nodes, nodeIds, settings, raise, holdWaiting } = this.options;
    const { massFailure: limit } = settings;
    const at = Date.now();
    // The database's clock may be another one than that of the evidence.
    const deaths = await this.deaths(Math.min(dead.at, at) - 2 * limit.withinMs);
    const isBack = ({ nodeId }: NodeDeath): boolean => {
      const beat = nodes.lately(nodeId, FRESH_MS);
      if (beat === null || beat.asterisk !== 'up') return false;
      return !deaths.some((one) => one.nodeId === nodeId && one.incarnation === beat.incarnation);
    };
    const back = new Set(deaths.filter(isBack).map(({ nodeId }) => nodeId));
    const told = await control.tell({ type: 'NoteDeaths', deaths, nodeIds, back, limit, at });
    const guard = this.guard(told.version);
    const { stopped, massFailure } = told.control;
    if (stopped !== null) return { restraint: { kind: 'stopped' }, guard };
    if (massFailure === null) return { guard };
    // Each time, as whoever declared it may have died before.
    await holdWaiting?.(massFailure.at + limit.holdMs);
    raise({
      kind: 'mass-failure',
      at,
      nodeId: dead.nodeId,
      incarnation: dead.incarnation,
      message: `${massFailure.dead.length} of ${massFailure.nodes} nodes were down at once: the calls of ${dead.nodeId} wait for an operator`,
      details: { incidentId: massFailure.incidentId, dead: massFailure.dead, holdMs: limit.holdMs },
    });
    return { restraint: { kind: 'ask', until: dead.at + limit.holdMs }, guard };
  }

  /**
   * What a recovery that an operator asks for is made under: a mass failure does not hold it back, a stop does.
   * @throws CodedError `RECOVERY_STOPPED`, `POSTGRES_UNREACHABLE`
   */
  async ofRequest(): Promise<Held> {
    const { control, version } = await this.options.control.read();
    if (control.stopped !== null) {
      const { requestedBy, reason } = control.stopped;
      throw codedError('RECOVERY_STOPPED', `recovery was stopped by ${requestedBy}: ${reason}`);
    }
    return { guard: this.guard(version) };
  }

  /** Reports a node that dies again and again, once for each death. @throws CodedError `POSTGRES_UNREACHABLE`. */
  async noteDeath({ nodeId, incarnation, at }: NodeDeath): Promise<void> {
    const { flapping, settings, raise } = this.options;
    const limit = settings.flapping;
    const deaths = await this.deaths(at - 2 * limit.withinMs);
    const own = deaths.filter((one) => one.nodeId === nodeId && one.at <= at).map((one) => one.at);
    const found = flappingOf(own, limit, at);
    if (found === null) return;
    const { crashes, until } = found;
    const event: NodeFlapping = {
      type: 'NodeFlapping',
      nodeId,
      incarnation,
      at,
      crashes: [...crashes],
      until,
    };
    const streamId = flappingStream(nodeId, incarnation);
    const [result] = await flapping.appendBatch([
      { streamId, expectedVersion: 0, events: [{ id: randomUUID(), event }] },
    ]);
    if (result?.status !== 'appended') return;
    raise({
      kind: 'node-flapping',
      at,
      nodeId,
      incarnation,
      message: `${nodeId} has died ${crashes.length} times: it gets no recovered calls for a while`,
      details: { crashes, until },
    });
  }
}

export function controlStatusOf({ stopped, massFailure }: Control): ControlStatus {
  if (massFailure === null) return { stopped, massFailure };
  const { incidentId, at, dead, nodes } = massFailure;
  return { stopped, massFailure: { incidentId, at, dead: dead.map(({ nodeId }) => nodeId), nodes } };
}
