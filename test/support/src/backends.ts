import { inject } from 'vitest';
import { createDatabase, dropDatabase, withDatabase } from './database.js';
import { natsInDocker, natsInLab, type NatsServer, type NatsSettings } from './nats.js';
import type { SharedBackends } from './shared.js';

/** A migrated, otherwise empty database and a NATS server with empty JetStream, shared with nobody. */
export interface Backends {
  readonly postgresUrl: string;
  readonly natsUrl: string;
  /** Also ends connections that are still open. */
  stop(): Promise<void>;
}

/**
 * Postgres and NATS for one test file (or one test), from Docker or from the lab: see `globalSetup`. Runs only inside
 * vitest's project `int`.
 */
export async function startBackends(): Promise<Backends> {
  const shared: SharedBackends = inject('reinviteBackends');
  const nats = shared.kind === 'docker' ? await natsInDocker() : await natsInLab(shared.lab);
  const database = await createDatabase(shared.adminUrl, shared.template);
  return {
    postgresUrl: withDatabase(shared.adminUrl, database),
    natsUrl: nats.url,
    stop: async () => {
      await nats.stop();
      await dropDatabase(shared.adminUrl, database);
    },
  };
}

/** A NATS server alone, with JetStream and the given settings. Runs only inside vitest's project `int`. */
export function startNats(settings: NatsSettings): Promise<NatsServer> {
  const shared: SharedBackends = inject('reinviteBackends');
  return shared.kind === 'docker' ? natsInDocker(settings) : natsInLab(shared.lab, settings);
}
