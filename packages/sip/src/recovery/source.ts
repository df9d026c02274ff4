import type { Dialog } from '../dialog/dialog.js';

/** What a source may need to look in the right place; epoch ms, by the clocks of the nodes. */
export interface DialogSearch {
  /** No message of these dialogs is older; null where that is not known. */
  readonly since: number | null;
  /** Nothing that counts happened after this: the node had died. */
  readonly until: number;
}

/** Where recovery finds dialogs: the ledger's table, HOMER, or both. */
export interface DialogSource {
  /**
   * Every dialog of these SIP Call-IDs, live or lately ended, in one go; a Call-ID that is not known has no entry. Forks
   * and calls of a cluster to itself have several.
   * @throws CodedError, retryable where the source does not answer: "nothing found" is never said for "could not look".
   */
  findByCallIds(
    callIds: readonly string[],
    search?: DialogSearch,
  ): Promise<ReadonlyMap<string, readonly Dialog[]>>;
}
