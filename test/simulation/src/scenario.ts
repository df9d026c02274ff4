import { parseConfig, type Config } from '@reinvite/runtime';
import type { Manners } from './asterisk/phone.js';
import { FENCE_COMMAND } from './services/fence-command.js';
import type { Random } from './world/random.js';

/** What a run begins with. All of it follows from the seed. */
export interface Scenario {
  readonly config: Config;
  readonly recoveries: number;
  readonly workers: number;
  readonly sentinels: number;
  /** Phones of each call: one with an application, or two in a bridge. */
  readonly calls: readonly (1 | 2)[];
  readonly manners: Manners;
  /** How often the operator answers what recovery asks. */
  readonly answers: number;
  /** Whether a node dies once more after days in which nothing happened. */
  readonly goesOn: boolean;
}

/** Phones that do as they should. */
export const POLITE: Manners = {
  answers: 1,
  slow: 0,
  491: 0,
  500: 0,
  503: 0,
  488: 0,
  486: 0,
  408: 0,
  silent: 0,
};
const MIXED: Manners = {
  answers: 70,
  slow: 8,
  491: 5,
  500: 4,
  503: 4,
  488: 3,
  486: 2,
  408: 1,
  silent: 3,
};

export function drawScenario(random: Random): Scenario {
  const nodes = random.int(3, 4);
  const sentinels = random.int(1, 3);
  return {
    config: configFor(nodes, sentinels, random),
    recoveries: random.int(1, 2),
    workers: random.int(1, 2),
    sentinels,
    calls: Array.from({ length: random.int(3, 8) }, () => (random.chance(0.4) ? 2 : 1)),
    manners: random.chance(0.5) ? POLITE : MIXED,
    answers: random.pick([0, 0.7, 1]),
    goesOn: random.chance(0.2),
  };
}

/** More than any run has. */
const NEVER = 99;

/**
 * The defaults, but for what would only make a run longer. What holds recovery back is switched on in some runs and off in
 * others: node after node dies here, and each time that is the point.
 */
function configFor(nodes: number, sentinels: number, random: Random): Config {
  const lease = random.chance(0.4) ? { enabled: true, ms: random.int(3_000, 5_000) } : {};
  const command = random.chance(0.35) ? { fenceCommand: [...FENCE_COMMAND] } : {};
  const asks = random.chance(0.4);
  const flaps = random.chance(0.4);
  const limits = random.chance(0.4);
  return parseConfig({
    nats: { servers: ['nats://nats:4222'] },
    postgres: { url: 'postgres://postgres' },
    nodes: Array.from({ length: nodes }, (_, index) => ({
      id: `ast${index + 1}`,
      sipAddresses: [`10.0.0.${index + 1}`],
      ari: { url: `http://ast${index + 1}:8088`, username: 'reinvite', password: 'unused' },
    })),
    nodeAgent: { heartbeatMs: 250, lease },
    sentinel: { sentinels, fenceTimeoutMs: 2_000, ...command },
    recovery: {
      targetWaitMs: 5_000,
      massFailure: {
        share: asks ? 0.5 : 1,
        withinMs: random.int(2_000, 10_000),
        holdMs: random.int(1_000, 8_000),
      },
      flapping: { crashes: flaps ? 2 : NEVER, withinMs: random.int(4_000, 30_000) },
      policies: {
        default: {
          crashLimit: { nodes: limits ? random.int(1, 2) : NEVER },
          quarantineMs: random.pick([0, random.int(1_000, 6_000)]),
        },
      },
    },
  });
}
