import type { NotRestored } from '@reinvite/domain';

/** What came back and what did not. */
export interface ResumeResult {
  readonly restored: readonly string[];
  readonly notRestored: readonly NotRestored[];
}
