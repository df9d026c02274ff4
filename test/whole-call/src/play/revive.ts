import type { Lab } from '@reinvite/lab';
import { eventually } from '@reinvite/test-support';
import { APP, type Application } from '../app/application.js';

const FIT_MS = 60_000;
/** Those that must have found a node before calls can be set up, observed and taken over there. */
const APPLICATIONS = [new RegExp(`^${APP}$`), /^reinvite-agent/, /^reinvite-worker/];

/** Starts the Asterisk of a node again; resolves when all who need it have found it. */
export async function revive(lab: Lab, application: Application, node: string): Promise<void> {
  await lab.start(node);
  await eventually(
    `${node} to be fit again`,
    async () => {
      if (!application.isUp(node)) return false;
      const found = (await application.ask(node, 'GET', '/applications')) as { name: string }[];
      return APPLICATIONS.every((wanted) => found.some(({ name }) => wanted.test(name)));
    },
    FIT_MS,
  );
}
