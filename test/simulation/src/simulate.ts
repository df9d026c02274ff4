import { Cluster } from './cluster.js';
import { letDaysPass } from './days.js';
import { mendAll, plantFaults } from './faults/faults.js';
import { readAudit, type Audit } from './judge/audit.js';
import { notBack } from './judge/comes-back.js';
import { owed } from './judge/liveness.js';
import { unrestrained } from './judge/restraint.js';
import { unsafe } from './judge/safety.js';
import { replays, untold, untrue } from './judge/truth.js';
import type { Found, Violation } from './judge/violation.js';
import { drawScenario } from './scenario.js';
import type { Note } from './world/trace.js';
import { World } from './world/world.js';
import { nothingWrong, type Wrong } from './wrong.js';

/** Virtual ms that everything has to come to its end once nothing fails any more. */
export const LIVENESS_MS = 60_000;
/** How often it is looked whether it has. */
const LOOK_MS = 500;
/** What is on its way when all is done arrives within this. */
const AFTERMATH_MS = 3_000;

export interface Run {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Two runs of one seed have the same. */
  readonly hash: string;
  /** Empty unless they were asked for. */
  readonly notes: readonly Note[];
  /** Virtual ms. */
  readonly lasted: number;
  readonly counts: Readonly<Record<'deaths' | 'victims' | 'recoveries' | 'recovered' | 'reinvites', number>>;
}

export interface RunOptions {
  readonly wrong?: Partial<Wrong>;
  readonly keepTrace?: boolean;
}

/** One run: everything in it follows from the seed. Only one at a time in a process: it takes the process's clock. */
export async function simulate(
  seed: number,
  { wrong = {}, keepTrace = false }: RunOptions = {},
): Promise<Run> {
  const world = new World(seed, keepTrace);
  try {
    const cluster = new Cluster(world, drawScenario(world.random), { ...nothingWrong, ...wrong });
    cluster.begin();
    const end = plantFaults(world, cluster);
    await until(world, () => world.time.now >= end);
    mendAll(world, cluster);
    let open = await settled(world, cluster);
    await until(world, passed(world, AFTERMATH_MS));
    if (cluster.goesOn && open.length === 0) {
      const died = letDaysPass(world, cluster);
      await until(world, () => world.time.now >= died);
      open = await settled(world, cluster);
      await until(world, passed(world, AFTERMATH_MS));
    }
    const violations = await judge(world, cluster, open);
    return result(seed, world, cluster, violations);
  } finally {
    world.time.release();
  }
}

async function until(world: World, isOver: () => boolean): Promise<void> {
  while (!isOver() && (await world.time.step()));
}

function passed(world: World, ms: number): () => boolean {
  const end = world.time.now + ms;
  return () => world.time.now >= end;
}

/** Waits until nothing is owed any more. @returns what still is when the time is over. */
async function settled(world: World, cluster: Cluster): Promise<readonly Found[]> {
  const { nats, nodes, phones, postgres, witness } = cluster;
  const end = world.time.now + LIVENESS_MS;
  for (;;) {
    await until(world, passed(world, LOOK_MS));
    const audit = readAudit(postgres.tables);
    const open = [
      ...owed({ audit, nats, victims: witness.victims }),
      ...untold(audit, phones, nodes),
      ...lost(cluster, audit),
    ];
    if (open.length === 0 || world.time.now >= end) return open;
  }
}

function lost(cluster: Cluster, audit: Audit): Found[] {
  const { nats, nodes, calls, config } = cluster;
  const { victims } = cluster.witness;
  const { maxAttempts, flapping } = config.recovery;
  return cluster.isPolite ? notBack({ nodes, calls, victims, audit, nats, maxAttempts, flapping }) : [];
}

async function judge(world: World, cluster: Cluster, open: readonly Found[]): Promise<Violation[]> {
  const { postgres, nats, nodes, phones, calls, witness, machines, config, crashLimit } = cluster;
  const { originated } = witness;
  const { hangAfterMs } = config.sentinel;
  const { ms: leaseMs } = config.nodeAgent.lease;
  const audit = readAudit(postgres.tables);
  const at = world.time.now;
  let replayed: readonly Found[] | undefined;
  const replaying = replays(audit, postgres.tables, machines).then((found) => (replayed = found));
  await until(world, () => replayed !== undefined);
  const now = [...open, ...(await replaying), ...untrue(audit, phones)];
  return [
    ...witness.violations,
    ...unsafe({ audit, nodes, phones, originated, hangAfterMs, leaseMs }),
    ...unrestrained({
      ...{ audit, nodes, calls, originated, nats, settings: config.recovery, crashLimit },
      isDeaf: cluster.wellness.isDeaf,
    }),
    ...now.map((one) => ({ ...one, at })),
  ];
}

function result(
  seed: number,
  world: World,
  { postgres, phones, witness }: Cluster,
  violations: readonly Violation[],
): Run {
  const rows = [...postgres.tables.recoveries.values()];
  const counts = {
    deaths: witness.deaths.length,
    victims: witness.victims.length,
    recoveries: rows.length,
    recovered: rows.filter(({ outcome }) => outcome === 'recovered').length,
    reinvites: phones.reduce((sum, { reinvites }) => sum + reinvites.length, 0),
  };
  const { notes } = world.trace;
  return { seed, violations, hash: world.trace.hash(), notes, lasted: world.time.now, counts };
}
