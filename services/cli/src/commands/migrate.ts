import { Bus } from '@reinvite/bus';
import { migrate as migrateDatabase } from '@reinvite/db';
import { createLogger, loadConfig, postgresUrl } from '@reinvite/runtime';

/** A server that has just been started may take a while to find its cluster. */
const NATS_TIMEOUT_MS = 30_000;

/**
 * `reinvite migrate`: brings the database's schema and its roles' rights up to this release, and, where the services have
 * nkeys and so may not do it themselves, the JetStream streams. Safe to run by several at once, and again.
 * @throws CodedError `CONFIG_*`, `POSTGRES_UNREACHABLE`, `POSTGRES_QUERY_FAILED`, `NATS_UNREACHABLE`
 */
export async function migrate(options: { readonly config: string }): Promise<void> {
  const config = await loadConfig(options.config);
  const log = createLogger('migrate', config.log.level);
  await migrateDatabase(await postgresUrl(config, 'migrate'), log);
  if (config.nats.nkeyFile === undefined) return;
  await Bus.createStreams(
    { ...config.nats, account: 'migrate', name: 'reinvite migrate', log },
    NATS_TIMEOUT_MS,
  );
  log.info('JetStream streams are up to date');
}
