import { PostgresDialogSource, type Pool } from '@reinvite/db';
import { openHomer, type HomerSource } from '@reinvite/homer';
import type { Config, Logger } from '@reinvite/runtime';
import type { DialogSource } from '@reinvite/sip';

/** Where the dialogs of a dead node are looked up; at least one is there. */
export interface DialogSources {
  /** Asked first: it answers within milliseconds. */
  readonly ledger: DialogSource | null;
  /** Asked for what the ledger lacks: it answers seconds after the death. */
  readonly homer: Pick<HomerSource, 'ask' | 'greet'> | null;
  /** Whether HOMER is asked afterwards also for what the ledger was sure of. */
  readonly compare: boolean;
}

/**
 * The sources that the configuration names.
 * @throws CodedError `CONFIG_*` where a secret of HOMER cannot be read.
 */
export async function openDialogSources(
  config: Config,
  pool: Pool,
  log: Logger,
  signal: AbortSignal,
): Promise<DialogSources> {
  const { sources, compare } = config.dialogs;
  return {
    ledger: sources === 'homer' ? null : new PostgresDialogSource(pool),
    homer: sources === 'ledger' ? null : await openHomer(config, log, signal),
    compare: sources === 'ledger+homer' && compare,
  };
}
