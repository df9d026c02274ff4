import {
  loadDialogs,
  removeDialogs,
  requireSchema,
  writeDialogs,
  type LoadedDialogs,
  type Pool,
} from '@reinvite/db';
import type { Logger } from '@reinvite/runtime';
import type { Evidence } from '@reinvite/sip';
import { writeBatch } from './writer.js';

/** Where the ledger keeps its dialogs. Every method throws the coded errors of Postgres. */
export interface DialogStore {
  load(): Promise<LoadedDialogs>;
  /** `joined`: all that is known of the Call-IDs that another ledger had written of. */
  write(evidence: readonly Evidence[]): Promise<Written>;
  remove(evidence: readonly Evidence[]): Promise<void>;
}

export interface Written {
  readonly dialogs: number;
  readonly joined: readonly Evidence[];
}

export function postgresStore(pool: Pool, ledgerId: string, log: Logger): DialogStore {
  return {
    load: async () => {
      await requireSchema(pool);
      return loadDialogs(pool);
    },
    write: async (evidence) => {
      const joined: Evidence[] = [];
      const upsert = async (batch: readonly Evidence[]): Promise<void> => {
        joined.push(...(await writeDialogs(pool, batch, ledgerId)));
      };
      return { dialogs: await writeBatch(evidence, upsert, log), joined };
    },
    remove: (evidence) =>
      removeDialogs(
        pool,
        evidence.map(({ callId, localTag, remoteTag }) => ({ callId, localTag, remoteTag })),
      ),
  };
}
