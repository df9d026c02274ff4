import { streams } from '@reinvite/bus';
import type { Cluster } from './cluster.js';
import { keyOf } from './store/tables.js';
import type { World } from './world/world.js';

const HOUR_MS = 3_600_000;
/** Longer than anything is kept that is not kept for ever. */
const DAYS_MS = 75 * HOUR_MS;
/** As `pruneCallRecords` has it. */
const KEEP_GONE_MS = 24 * HOUR_MS;
/** As the outbox' relay has it. */
const KEEP_PUBLISHED_MS = 24 * HOUR_MS;
/** Ms until everybody has heard of everybody again, and when a node dies then at the latest. */
const BEGUN_MS = 2_000;
const DIES_MS = 1_000;

/**
 * Days pass in which nothing happens but what happens every day: services are upgraded, and what is old is removed. Then a node
 * dies that has calls. @returns when all of it has been set going, virtual ms.
 */
export function letDaysPass(world: World, cluster: Cluster): number {
  const { random, time, trace } = world;
  trace.note('days', 'pass');
  time.skip(DAYS_MS);
  prune(cluster);
  const { nats } = cluster;
  nats.expire((key) => streams[key].maxAgeNs / 1e6);
  for (const name of cluster.names) {
    if (!random.chance(0.7)) continue;
    cluster.kill(name);
    cluster.start(name);
  }
  const busy = [...cluster.nodes.values()].filter(
    ({ life }) => life?.isAlive() === true && life.channels.size > 0,
  );
  const afterMs = BEGUN_MS + random.int(0, DIES_MS);
  if (busy.length > 0) {
    const node = random.pick(busy);
    time.later(afterMs, () => node.life?.die());
  }
  // Somebody has to be there who can take its calls.
  for (const node of cluster.nodes.values()) node.start();
  return time.now + afterMs;
}

/** By the rules of the statements that remove what is old. */
function prune({ postgres: { tables } }: Cluster): void {
  const { callLegs, callBridges, incarnations, outbox } = tables;
  const isOld = (at: number | null, keepMs: number): boolean => at !== null && at < Date.now() - keepMs;
  const closed = new Set(
    [...incarnations.entries()].filter(([, row]) => isOld(row.closedAt, KEEP_GONE_MS)).map(([key]) => key),
  );
  for (const table of [callLegs, callBridges])
    for (const [key, row] of [...table.entries()])
      if (isOld(row.goneAt, KEEP_GONE_MS) || closed.has(keyOf(row.nodeId, row.incarnation)))
        table.delete([], key);
  for (const key of closed) incarnations.delete([], key);
  for (const [key, row] of [...outbox.entries()])
    if (isOld(row.publishedAt, KEEP_PUBLISHED_MS)) outbox.delete([], key);
}
