import { migrate as migrateDatabase } from '@reinvite/db';
import { createLogger, loadConfig, readSecret } from '@reinvite/runtime';

/**
 * `reinvite migrate`: brings the database's schema up to this release. Safe to run by several at once, and again.
 * @throws CodedError `CONFIG_*`, `POSTGRES_UNREACHABLE`, `POSTGRES_QUERY_FAILED`
 */
export async function migrate(options: { readonly config: string }): Promise<void> {
  const config = await loadConfig(options.config);
  const url = await readSecret('postgres.url', config.postgres.url, config.postgres.urlFile);
  await migrateDatabase(url, createLogger('migrate', config.log.level));
}
