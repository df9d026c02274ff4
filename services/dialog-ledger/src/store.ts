import {
  joinDialogs,
  loadDialogs,
  removeDialogs,
  requireSchema,
  writeDialogs,
  type LoadedPage,
  type Pool,
} from '@reinvite/db';
import type { Logger } from '@reinvite/runtime';
import type { Evidence } from '@reinvite/sip';
import { BatchWriter } from './writer.js';

/** Where the ledger keeps its dialogs. Every method throws the coded errors of Postgres. */
export interface DialogStore {
  /** All that is stored, a page at a time; where it throws, some pages may have been given already. */
  load(take: (page: LoadedPage) => void): Promise<void>;
  /**
   * `joined`: all that is known of the Call-IDs that another ledger had written of; `refused`: how many dialogs cannot be
   * written as they are, and were left out.
   */
  write(evidence: readonly Evidence[]): Promise<Written>;
  remove(evidence: readonly Evidence[]): Promise<void>;
}

export interface Written {
  readonly dialogs: number;
  readonly refused: number;
  readonly joined: readonly Evidence[];
}

export function postgresStore(pool: Pool, ledgerId: string, log: Logger): DialogStore {
  // Joined once, perhaps, and the answer lost: what another ledger had seen is in Postgres as ours then, and not in memory.
  const unsettled = new Set<string>();
  const writer = new BatchWriter(log);
  const isUnsettled = ({ callId }: Evidence): boolean => unsettled.has(callId);
  return {
    load: async (take) => {
      await requireSchema(pool);
      await loadDialogs(pool, take);
    },
    write: async (evidence) => {
      const joined: Evidence[] = [];
      const upsert = async (batch: readonly Evidence[]): Promise<void> => {
        const others = batch.filter((one) => !isUnsettled(one));
        (await writeDialogs(pool, others, ledgerId)).forEach((callId) => unsettled.add(callId));
        const toJoin = batch.filter(isUnsettled);
        if (toJoin.length > 0) joined.push(...(await joinDialogs(pool, toJoin, ledgerId)));
      };
      const { dialogs, refused } = await writer.write(evidence, upsert);
      joined.forEach(({ callId }) => unsettled.delete(callId));
      return { dialogs, refused, joined };
    },
    remove: (evidence) => removeDialogs(pool, evidence),
  };
}
