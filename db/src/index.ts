export * from './schema/index.js';
export {
  loadDialogs,
  PostgresDialogSource,
  removeDialogs,
  type DialogId,
  type LoadedPage,
} from './dialogs.js';
export { joinDialogs, writeDialogs } from './write-dialogs.js';
export { callsOf, findEvidence } from './dialog-evidence.js';
export { watchClock, type ClockOptions } from './clock.js';
export { withPostgresErrors, wrapPostgresError } from './errors.js';
export { toJsonb } from './jsonb.js';
export { migrate, requireSchema } from './migrate.js';
export {
  connectPool,
  database,
  inTransaction,
  warmPool,
  type Database,
  type Pool,
  type PoolOptions,
} from './pool.js';
export { RIGHTS } from './rights.js';
export { insertRows, upsertRows } from './rows.js';
