import type { Troubles } from '../asterisk/surroundings.js';
import type { Node } from '../asterisk/node.js';
import { NATS, type Nats } from '../bus/server.js';
import type { Process } from '../world/process.js';
import type { World } from '../world/world.js';

const LOOK_MS = 50;
/** A reader of a stream asks anew after so long at the latest. */
const CATCHES_UP_MS = 4_000;

export interface Watched {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly nats: Nats;
  readonly processes: ReadonlyMap<string, Process>;
  /** Their names. */
  readonly sentinels: readonly string[];
}

/** Looks at the run from outside, all the time: who could have reached whom. */
export class Wellness {
  private readonly troubles = new Map<string, Troubles>();
  private readonly majorities = new Map<string, number>();
  /** When a replica of recovery could not read the streams, virtual ms. */
  private readonly deafAt: number[] = [];

  constructor(
    private readonly world: World,
    private readonly watched: Watched,
  ) {
    for (const id of watched.nodes.keys()) this.troubles.set(id, { leaseAt: 0, askAt: 0, majorityAt: 0 });
    world.time.later(LOOK_MS, () => this.look());
  }

  /** Of a node, as it is now: it goes on changing. */
  of(nodeId: string): Readonly<Troubles> {
    return this.troubles.get(nodeId) ?? { leaseAt: 0, askAt: 0, majorityAt: 0 };
  }

  /** When (virtual ms) a sentinel could last talk to so many that they are more than half. */
  majorityOf(sentinel: string): number {
    return this.majorities.get(sentinel) ?? 0;
  }

  /** Whether a replica of recovery could not read the streams then, or was still catching up. */
  readonly isDeaf = (at: number): boolean =>
    this.deafAt.some((one) => one <= at && at - one <= CATCHES_UP_MS);

  private look(): void {
    const { world, watched } = this;
    const { time, network } = world;
    const { slow, loss } = network.weather;
    const sentinels = watched.sentinels.map((name) => watched.processes.get(name));
    const isBad = slow > 0 || loss > 0 || !sentinels.every((one) => one !== undefined && isUp(one));
    const { now } = time;
    for (const [nodeId, troubles] of this.troubles) {
      const asks = (one: Process | undefined): boolean =>
        one !== undefined && network.isOpen(one.host, nodeId);
      if (isBad || !sentinels.every(asks)) troubles.askAt = now;
      if (isBad || !this.isTenantHeard(nodeId)) troubles.leaseAt = now;
      if (this.hasMajority(nodeId)) troubles.majorityAt = now;
    }
    const { nats, processes } = watched;
    const hears = (one: Process): boolean =>
      isUp(one) && network.isOpen(one.host, NATS) && nats.hasStreams(one.host);
    const replicas = [...processes.values()].filter(({ name }) => name.startsWith('recovery-'));
    if (slow > 0 || loss > 0 || !replicas.every(hears)) this.deafAt.push(now);
    for (const name of watched.sentinels) if (this.hasMajority(name)) this.majorities.set(name, now);
    time.later(LOOK_MS, () => this.look());
  }

  /** Whether more than half of the sentinels can talk to whoever is on that host, and so to each other. */
  private hasMajority(host: string): boolean {
    const { sentinels, processes } = this.watched;
    const joined = sentinels.filter((name) => {
      const one = processes.get(name);
      return one !== undefined && isUp(one) && this.isJoined(one.host, host);
    });
    return joined.length * 2 > sentinels.length;
  }

  private isJoined(one: string, other: string): boolean {
    const { nats } = this.watched;
    const { network } = this.world;
    const areConnected = network.isOpen(one, NATS) && network.isOpen(other, NATS);
    return !nats.isDown && areConnected && nats.joins(one, other);
  }

  /** Whether the agent is up, and each sentinel would have its request. */
  private isTenantHeard(nodeId: string): boolean {
    const { processes, nats, sentinels } = this.watched;
    const agent = processes.get(`agent-${nodeId}`);
    if (agent === undefined || !isUp(agent)) return false;
    return sentinels.every((name) => {
      const listens = [...nats.subscribers].some(
        ({ process, subject }) =>
          process.name === name && process.alive && subject === `reinvite.lease.${nodeId}`,
      );
      return listens && this.isJoined(processes.get(name)?.host ?? name, agent.host);
    });
  }
}

function isUp({ alive, paused }: Process): boolean {
  return alive && !paused;
}
