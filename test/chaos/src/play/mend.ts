import type { Lab } from '@reinvite/lab';
import { isCoded } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { ariList } from './ari.js';
import type { LifeBook } from './life-book.js';

const FIT_MS = 60_000;
const STARTS = 3;
/** The applications of those that must have found a node before calls can be set up, observed and taken over there. */
const APPLICATIONS = [/^demo$/, /^reinvite-agent/, /^reinvite-worker/];

/** Undoes every fault: what hangs goes on, what is cut off is connected, what has ended is started, the Asterisks last. */
export async function mend(lab: Lab, lives: LifeBook, nodes: readonly string[]): Promise<void> {
  const { units, cut } = await lab.status();
  for (const host of new Set(cut.map((what) => what.split(' ')[0] ?? what))) await lab.heal(host);
  for (const { name, state } of units) if (state === 'hung') await lab.heal(name);
  await lives.look();
  const down = units.filter(({ state }) => state === 'ended' || state === 'stopped').map(({ name }) => name);
  for (const name of down) if (!nodes.includes(name)) await lab.start(name);
  await Promise.all(nodes.filter((node) => lives.isOver(node)).map((node) => revive(lab, lives, node)));
}

async function revive(lab: Lab, lives: LifeBook, node: string): Promise<void> {
  await startNode(lab, lives, node, STARTS);
  await eventually(
    `${node} to be fit again`,
    async () => {
      const names = await ariList(lab, node, 'applications', 'name');
      return APPLICATIONS.every((wanted) => names.some((name) => wanted.test(name)));
    },
    FIT_MS,
  );
}

/** An Asterisk that somebody kills while it starts is the checker's to report, and started again. */
async function startNode(lab: Lab, lives: LifeBook, node: string, tries: number): Promise<void> {
  lives.begins(node);
  try {
    await lab.start(node);
  } catch (error) {
    if (tries <= 1 || !isCoded(error, 'LAB_START_FAILED')) throw error;
    await lives.look();
    if (!lives.isOver(node)) throw error;
    await startNode(lab, lives, node, tries - 1);
  }
}
