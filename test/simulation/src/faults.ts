import type { Cluster } from './cluster.js';
import type { World } from './world/world.js';

/** Virtual ms: calls are up and known before the first fault; none begins after the last. */
const FIRST_MS = 1_500;
const LAST_MS = 9_000;
const MOST_FAULTS = 7;

type Kind =
  | 'asterisk-crash'
  | 'asterisk-hang'
  | 'host-crash'
  | 'process-kill'
  | 'cut-nats'
  | 'cut-postgres'
  | 'cut-ari'
  | 'nats-stop'
  | 'postgres-stop'
  | 'postgres-breaks'
  | 'slow'
  | 'loss'
  | 'hang-up'
  | 'recovery-stopped';

const WEIGHTS: Readonly<Record<Kind, number>> = {
  'asterisk-crash': 8,
  'asterisk-hang': 2,
  'host-crash': 2,
  'process-kill': 8,
  'cut-nats': 4,
  'cut-postgres': 3,
  'cut-ari': 4,
  'nats-stop': 2,
  'postgres-stop': 2,
  'postgres-breaks': 3,
  slow: 3,
  loss: 2,
  'hang-up': 2,
  'recovery-stopped': 3,
};

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
    const kind = fault === 0 ? 'asterisk-crash' : random.weighted(WEIGHTS);
    const at =
      fault === 0
        ? crashAt
        : random.pick([
            // In the middle of what follows from the first crash, soon after it, or at any time.
            crashAt + random.int(0, 300),
            crashAt + random.int(0, 2_000),
            random.int(FIRST_MS, LAST_MS),
            // A stop that comes while calls are being planned.
            ...(kind === 'recovery-stopped'
              ? [crashAt + random.int(0, 60), crashAt + random.int(0, 60)]
              : []),
          ]);
    const forMs = random.int(200, 6_000);
    end = Math.max(end, at + forMs);
    const begin = planned(kind, world, cluster, forMs);
    setTimeout(() => {
      world.trace.note('fault', `${kind} for ${forMs} ms`);
      begin();
    }, at);
  }
  return end;
}

/** Nothing is broken any more: whatever was down runs, but for Asterisks that need not come back. */
export function mendAll(world: World, cluster: Cluster): void {
  world.trace.note('fault', 'all is mended');
  Object.assign(world.network.weather, { slow: 0, loss: 0 });
  world.network.healAll();
  if (cluster.nats.isDown) cluster.nats.start();
  cluster.postgres.isDown = false;
  cluster.postgres.breaks = 0;
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
  const later = (work: () => void): unknown => setTimeout(work, forMs);
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
    case 'asterisk-hang':
      return () => {
        const life = node?.life;
        if (life === undefined) return;
        life.hang();
        later(() => life.goOn());
      };
    case 'host-crash':
      return () => {
        node?.life?.die();
        cluster.kill(`agent-${nodeId}`);
        later(() => {
          if (comesBack) node?.start();
          cluster.start(`agent-${nodeId}`);
        });
      };
    case 'process-kill':
      return () => {
        cluster.kill(process);
        later(() => cluster.start(process));
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
        cluster.operator.say('Stop');
        later(() => cluster.operator.say('Resume'));
      };
    case 'hang-up':
      return () => cluster.hangUp(phone);
  }
}
