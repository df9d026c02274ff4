import type { Dialog } from '../dialog/dialog.js';

/** Where recovery finds dialogs: the ledger's table, HOMER, or both. */
export interface DialogSource {
  /**
   * Every dialog of these SIP Call-IDs, live or lately ended, in one go; a Call-ID that is not known has no entry. Forks
   * and calls of a cluster to itself have several.
   * @throws CodedError, retryable where the source does not answer: "nothing found" is never said for "could not look".
   */
  findByCallIds(callIds: readonly string[]): Promise<ReadonlyMap<string, readonly Dialog[]>>;
}
