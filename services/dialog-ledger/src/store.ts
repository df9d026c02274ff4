import {
  joinDialogs,
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
  // Joined once, perhaps, and the answer lost: what another ledger had seen is in Postgres as ours then, and not in memory.
  const unsettled = new Set<string>();
  const isUnsettled = ({ callId }: Evidence): boolean => unsettled.has(callId);
  return {
    load: async () => {
      await requireSchema(pool);
      return loadDialogs(pool);
    },
    write: async (evidence) => {
      const joined: Evidence[] = [];
      const upsert = async (batch: readonly Evidence[]): Promise<void> => {
        const others = batch.filter((one) => !isUnsettled(one));
        (await writeDialogs(pool, others, ledgerId)).forEach((callId) => unsettled.add(callId));
        const toJoin = batch.filter(isUnsettled);
        if (toJoin.length > 0) joined.push(...(await joinDialogs(pool, toJoin, ledgerId)));
      };
      const dialogs = await writeBatch(evidence, upsert, log);
      joined.forEach(({ callId }) => unsettled.delete(callId));
      return { dialogs, joined };
    },
    remove: (evidence) => removeDialogs(pool, evidence),
  };
}
