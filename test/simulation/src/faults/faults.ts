import type { Cluster } from '../cluster.js';
import type { World } from '../world/world.js';
import { WEIGHTS, type Kind } from './kinds.js';
import { drawHostCut, drawSplit } from './partitions.js';

/** Virtual ms: calls are up and known before the first fault; none begins after the last. */
const FIRST_MS = 1_500;
const LAST_MS = 9_000;
const MOST_FAULTS = 7;
/** A partition lasts longer than other faults: long enough for a lease to end. */
const PARTITION_MS = 6_000;
/** Nodes that die of one thing do so within this, ms. */
const AT_ONCE_MS = 1_500;
/** Ms until the others die, after a node that flaps is there again. */
const ALONE_AFTER_MS = 1_500;
const PAUSE_MS = [50, 5_000] as const;

/** How many of the messages, while a fault of that kind lasts. */
const SLOW_SHARE = 0.2;
const LOST_SHARE = 0.05;
const BROKEN_SHARE = 0.2;

/** Draws what goes wrong in a run, and sets it going. Every run has a crash of an Asterisk. @returns when the last one is over. */
export function plantFaults(world: World, cluster: Cluster): number {
  const { random } = world;
  const count = random.int(1, MOST_FAULTS);
  const crashAt = random.int(FIRST_MS, FIRST_MS + 2_000);
  let end = 0;
  for (let fault = 0; fault < count; fault += 1) {
    const kind = fault === 0 ? firstOf(world, cluster) : random.weighted(WEIGHTS);
    const at =
      fault === 0
        ? crashAt
        : random.pick([
            // In the middle of what follows from the first crash, soon after it, or at any time.
            crashAt + random.int(0, 300),
            crashAt + random.int(0, 2_000),
            random.int(FIRST_MS, LAST_MS),
            // A stop or a request that comes while calls are being planned.
            ...(kind === 'recovery-stopped' || kind === 'recovery-asked'
              ? [crashAt + random.int(0, 30), crashAt + random.int(0, 30), crashAt + random.int(0, 60)]
              : []),
          ]);
    const isPartition = kind === 'host-cut' || kind === 'split';
    const forMs = random.int(200, 6_000) + (isPartition ? PARTITION_MS : 0);
    end = Math.max(end, at + forMs);
    const begin = planned(kind, world, cluster, forMs);
    world.time.later(at, () => {
      world.trace.note('fault', `${kind} for ${forMs} ms`);
      begin();
    });
  }
  return end;
}

/** Where nodes are watched for flapping, one of them flaps more often than not. */
function firstOf({ random }: World, { config }: Cluster): Kind {
  const isWatched = config.recovery.flapping.crashes <= 2;
  return isWatched && random.chance(0.6) ? 'asterisk-flaps' : 'asterisk-crash';
}

/** Nothing is broken any more: whatever was down runs, but for Asterisks that need not come back. */
export function mendAll(world: World, cluster: Cluster): void {
  world.trace.note('fault', 'all is mended');
  Object.assign(world.network.weather, { slow: 0, loss: 0 });
  world.network.healAll();
  if (cluster.nats.isDown) cluster.nats.start();
  cluster.postgres.isDown = false;
  cluster.postgres.breaks = 0;
  cluster.nats.split([]);
  for (const { absences } of cluster.nodes.values())
    for (const absence of absences) absence.to = Math.min(absence.to, world.time.now);
  for (const phone of cluster.phones) phone.killsAfterMs = null;
  for (const process of cluster.processes.values()) process.goOn();
  for (const name of cluster.names) cluster.start(name);
}

function planned(kind: Kind, world: World, cluster: Cluster, forMs: number): () => void {
  const { random, network } = world;
  const { nats, postgres } = cluster;
  const nodeId = random.pick([...cluster.nodes.keys()]);
  const node = cluster.nodes.get(nodeId);
  const process = random.pick(cluster.names);
  const phone = random.pick(cluster.phones);
  const comesBack = random.chance(0.6);
  const { time } = world;
  const later = (work: () => void): void => time.later(forMs, work);
  const cut = (other: string) => (): void => {
    const host = cluster.processes.get(process)?.host ?? process;
    network.cut(host, other);
    later(() => network.heal(host, other));
  };
  switch (kind) {
    case 'asterisk-crash':
      return () => {
        node?.life?.die();
        if (comesBack) later(() => node?.start());
      };
    case 'asterisk-flaps': {
      // What it must not get even where it is the only one left.
      const isLeftAlone = random.chance(0.4);
      const others = [...cluster.nodes.values()].filter((one) => one !== node);
      return () => {
        node?.life?.die();
        time.later(forMs / 8, () => node?.start());
        time.later(forMs / 4, () => node?.life?.die());
        if (comesBack || isLeftAlone) time.later(forMs / 2, () => node?.start());
        if (!isLeftAlone) return;
        for (const other of others) {
          time.later(forMs / 2 + ALONE_AFTER_MS, () => other.life?.die());
          later(() => other.start());
        }
      };
    }
    case 'mass-crash': {
      const atOnce = [...cluster.nodes.values()]
        .filter(() => random.chance(0.7))
        .map((one) => ({ one, afterMs: random.int(0, AT_ONCE_MS), comesBack: random.chance(0.7) }));
      return () =>
        atOnce.forEach(({ one, afterMs, comesBack: isBack }) => {
          time.later(afterMs, () => one.life?.die());
          if (isBack) time.later(afterMs + forMs, () => one.start());
        });
    }
    case 'poison': {
      const afterMs = random.int(20, 1_500);
      return () => {
        phone.killsAfterMs = afterMs;
        const { nodeId: on, incarnation } = phone.owner;
        cluster.nodes.get(on)?.lifeOf(incarnation)?.die();
        for (const one of cluster.nodes.values()) time.later(forMs, () => one.start());
        later(() => (phone.killsAfterMs = null));
      };
    }
    case 'host-cut': {
      const cutOff = drawHostCut(world, cluster);
      return () => later(cutOff());
    }
    case 'split': {
      const split = drawSplit(world, cluster);
      return () => later(split());
    }
    case 'asterisk-hang':
      return () => {
        const life = node?.life;
        if (life === undefined) return;
        life.hang();
        later(() => life.goOn());
      };
    case 'host-crash':
      return () => {
        cluster.powerOff(nodeId, forMs);
        if (comesBack) later(() => node?.start());
      };
    case 'process-kill':
      return () => {
        // Its guard may not be missing just then: docs/detection.md says so.
        if (isUnguarded(process, cluster)) return;
        cluster.kill(process);
        later(() => cluster.start(process));
      };
    case 'process-pause': {
      const pauseMs = random.int(...PAUSE_MS);
      return () => {
        const paused = cluster.processes.get(process);
        if (paused === undefined || isUnguarded(process, cluster)) return;
        paused.pause();
        time.later(pauseMs, () => paused.goOn());
      };
    }
    case 'guard-kill':
      return () => {
        const agent = cluster.processes.get(`agent-${nodeId}`);
        if (agent?.alive !== true || agent.paused) return;
        for (const guard of node?.machine.guards ?? []) guard.kill();
      };
    case 'cut-nats':
      return cut('nats');
    case 'cut-postgres':
      return cut('postgres');
    case 'cut-ari':
      return cut(nodeId);
    case 'nats-stop':
      return () => {
        if (nats.isDown) return;
        nats.stop();
        later(() => nats.start());
      };
    case 'postgres-stop':
      return () => {
        postgres.isDown = true;
        later(() => (postgres.isDown = false));
      };
    case 'postgres-breaks':
      return () => {
        postgres.breaks = BROKEN_SHARE;
        later(() => (postgres.breaks = 0));
      };
    case 'slow':
      return () => {
        network.weather.slow = SLOW_SHARE;
        later(() => (network.weather.slow = 0));
      };
    case 'loss':
      return () => {
        network.weather.loss = LOST_SHARE;
        later(() => (network.weather.loss = 0));
      };
    case 'recovery-stopped':
      return () => {
        cluster.operator.say('StopRecovery');
        later(() => cluster.operator.say('ResumeRecovery'));
      };
    case 'recovery-asked': {
      const what = random.chance(0.6) ? { nodeId } : { callId: phone.sipCallId };
      return () => cluster.operator.request(what);
    }
    case 'declared-down':
      return () => {
        cluster.powerOff(nodeId, forMs);
        const isDead = (): boolean => node?.life?.isAlive() !== true;
        time.later(forMs / 4, () => cluster.operator.declareDown(nodeId, isDead));
      };
    case 'hang-up':
      return () => cluster.hangUp(phone);
  }
}

/** Whether it is the agent of a node that has a lease and, just now, no guard. */
function isUnguarded(process: string, { config, nodes }: Cluster): boolean {
  const node = nodes.get(process.replace(/^agent-/, ''));
  return config.nodeAgent.lease.enabled && node !== undefined && node.machine.guards.size === 0;
}
