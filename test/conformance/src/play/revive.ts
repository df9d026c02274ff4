import type { Lab } from '@reinvite/lab';
import { eventually } from '@reinvite/test-support';
import { Ari } from './ari.js';

const FIT_MS = 60_000;
/** The applications of those that must have found a node before calls can be set up, observed and taken over there. */
const APPLICATIONS = [/^demo$/, /^reinvite-agent/, /^reinvite-worker/];

/** Starts the Asterisk of a node again; resolves when all who need it have found it. */
export async function revive(lab: Lab, node: string): Promise<void> {
  await lab.start(node);
  const ari = new Ari(lab.info, node);
  await eventually(
    `${node} to be fit again`,
    async () => {
      const names = await ari.applications();
      return APPLICATIONS.every((wanted) => names.some((name) => wanted.test(name)));
    },
    FIT_MS,
  );
}
