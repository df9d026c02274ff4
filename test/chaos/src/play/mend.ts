import type { Lab } from '@reinvite/lab';
import { eventually } from '@reinvite/test-support';
import type { LifeBook } from './life-book.js';

const FIT_MS = 60_000;
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
  lives.begins(node);
  await lab.start(node);
  await eventually(
    `${node} to be fit again`,
    async () => {
      const names = await applicationsOf(lab, node);
      return APPLICATIONS.every((wanted) => names.some((name) => wanted.test(name)));
    },
    FIT_MS,
  );
}

/** Names of the ARI applications that are connected to a node; none while Asterisk boots. */
async function applicationsOf(lab: Lab, node: string): Promise<string[]> {
  const ari = lab.info.ari[node];
  if (ari === undefined) throw new Error(`${node} has no ARI`);
  const authorization = `Basic ${Buffer.from(`${ari.username}:${ari.password}`).toString('base64')}`;
  const answer = await fetch(`${ari.url}/applications`, { headers: { authorization } });
  if (!answer.ok) return [];
  const found: unknown = await answer.json();
  if (!Array.isArray(found)) return [];
  return found.flatMap((one: { readonly name?: unknown }) =>
    typeof one.name === 'string' ? [one.name] : [],
  );
}
