import type { Cluster } from '../cluster.js';
import { NATS } from '../bus/server.js';
import { POSTGRES } from '../store/server.js';
import type { World } from '../world/world.js';

const EDGE = 'edge';
/** How often a host is on the smaller side of a partition. */
const MINOR_SHARE = 0.35;

/** Keeps a node from everybody, its phones too or not. @returns what mends it. */
export function drawHostCut({ random, network, time }: World, cluster: Cluster): () => () => void {
  const nodeId = random.pick([...cluster.nodes.keys()]);
  const keepsPhones = random.chance(0.5);
  const others = [...hostsOf(cluster), NATS, POSTGRES, ...(keepsPhones ? [] : [EDGE])].filter(
    (host) => host !== nodeId,
  );
  return () => {
    const absence = { from: time.now, to: Infinity };
    cluster.nodes.get(nodeId)?.absences.push(absence);
    others.forEach((host) => network.cut(nodeId, host));
    return () => {
      others.forEach((host) => network.heal(nodeId, host));
      absence.to = time.now;
    };
  };
}

/**
 * The network falls in two, and the cluster of NATS with it: the smaller side has a server of its own, without streams, and may
 * have sentinels that hear each other. @returns what mends it.
 */
export function drawSplit({ random, network, time }: World, cluster: Cluster): () => () => void {
  const hosts = hostsOf(cluster);
  const minor = hosts.filter(() => random.chance(MINOR_SHARE));
  const major = [
    ...hosts.filter((host) => !minor.includes(host)),
    ...[POSTGRES, EDGE].filter(() => random.chance(0.6)),
  ];
  return () => {
    const absences = minor.flatMap((host) => {
      const absence = { from: time.now, to: Infinity };
      cluster.nodes.get(host)?.absences.push(absence);
      return [absence];
    });
    cluster.nats.split(minor);
    const pairs = minor.flatMap((one) => major.map((other) => [one, other] as const));
    pairs.forEach(([one, other]) => network.cut(one, other));
    return () => {
      cluster.nats.split([]);
      pairs.forEach(([one, other]) => network.heal(one, other));
      absences.forEach((absence) => (absence.to = time.now));
    };
  };
}

function hostsOf({ nodes, names }: Cluster): string[] {
  return [...nodes.keys(), ...names.filter((name) => !name.startsWith('agent-'))];
}
