import {
  loadDialogs,
  removeDialogs,
  requireSchema,
  upsertDialogs,
  type LoadedDialogs,
  type Pool,
} from '@reinvite/db';
import type { Logger } from '@reinvite/runtime';
import type { Evidence } from '@reinvite/sip';
import { writeBatch } from './writer.js';

/** Where the ledger keeps its dialogs. Every method throws the coded errors of Postgres. */
export interface DialogStore {
  load(): Promise<LoadedDialogs>;
  write(evidence: readonly Evidence[]): Promise<number>;
  remove(evidence: readonly Evidence[]): Promise<void>;
}

export function postgresStore(pool: Pool, log: Logger): DialogStore {
  return {
    load: async () => {
      await requireSchema(pool);
      return loadDialogs(pool);
    },
    write: (evidence) => writeBatch(evidence, (batch) => upsertDialogs(pool, batch), log),
    remove: (evidence) =>
      removeDialogs(
        pool,
        evidence.map(({ callId, localTag, remoteTag }) => ({ callId, localTag, remoteTag })),
      ),
  };
}
