import { Dice } from './dice.js';
import { faultOf } from './catalogue.js';
import type { Cast, Injection } from './fault.js';

/** The calls that are there first talk undisturbed so long. */
const FIRST_MS = 8_000;
/** After the last step of a fault: its calls come back, and what was killed is started again. */
const AFTER_DEATH_MS = 9_000;
const AFTER_HARMLESS_MS = 4_000;
/** Between two faults, beyond that. */
const GAP_MS = { least: 500, most: 3_000 } as const;

/** What a schedule is drawn from. */
export interface Draw extends Cast {
  readonly seed: number;
  /** How long faults are injected, in ms. */
  readonly forMs: number;
  /** Ids of the faults that may be drawn. */
  readonly faults: readonly string[];
}

/**
 * The faults of a run, one after the other. Every fault comes once before any comes again, in an order by chance. Pure: the
 * same seed gives the same faults at the same moments.
 */
export function scheduleOf({ seed, forMs, faults, nodes }: Draw): Injection[] {
  const dice = new Dice(seed);
  const injections: Injection[] = [];
  let round: string[] = [];
  for (let atMs = FIRST_MS; atMs < forMs;) {
    if (round.length === 0) round = dice.shuffled(faults);
    const fault = round.shift();
    if (fault === undefined) break;
    const drawn = faultOf(fault).draw(dice, { nodes: rested(nodes, injections) });
    injections.push({ index: injections.length, fault, atMs, ...drawn });
    const lastStepMs = Math.max(0, ...drawn.steps.map((step) => step.atMs));
    const after = drawn.dying.length > 0 ? AFTER_DEATH_MS : AFTER_HARMLESS_MS;
    atMs += lastStepMs + after + dice.between(GAP_MS.least, GAP_MS.most);
  }
  return injections;
}

/** The nodes without those that died last: they have hardly any calls yet. At least two. */
function rested(nodes: readonly string[], injections: readonly Injection[]): readonly string[] {
  const last = injections.filter(({ dying }) => dying.length > 0).at(-1)?.dying ?? [];
  const others = nodes.filter((node) => !last.includes(node));
  return others.length >= 2 ? others : nodes;
}

/** The schedule for people: one line for each fault. */
export function printedSchedule(injections: readonly Injection[]): string {
  return injections
    .map(({ atMs, fault, steps }) => {
      const done = steps.map(
        (step) =>
          `${step.operation} ${step.target}${step.from === undefined ? '' : ` from ${step.from}`} +${step.atMs} ms`,
      );
      return `${(atMs / 1_000).toFixed(1).padStart(6)} s  ${fault}: ${done.join(', ')}`;
    })
    .join('\n');
}
