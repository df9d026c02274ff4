import type { BereftTreatment } from '../bereft.js';
import type { ResumePolicy } from '../resume.js';

/** Whether something of a call is recovered. */
export type Treatment = 'recover' | 'skip';

/**
 * What may be recovered of the calls of one group of nodes, and where to; docs/policy.md says what follows from each. Ended
 * dialogs never are.
 */
export interface RecoveryPolicy {
  readonly confirmed: Treatment;
  /** `end`: the INVITE that nobody can answer any more is ended at the edge; `leave`: it is left to its timers. */
  readonly early: 'end' | 'leave';
  /** By what the source is unsure of; what is not named is skipped. */
  readonly unsure: Readonly<Record<string, Treatment>>;
  /** What to do when not every ledger has said that it has written all that had arrived. */
  readonly barrierMissed: Treatment;
  /** Groups whose nodes may take the calls. */
  readonly targets: readonly string[];
  /** A call that has lost so many nodes, each so soon after it had taken the call, is not given to another one. */
  readonly crashLimit: { readonly nodes: number; readonly withinMs: number };
  /** A call is not recovered more often than this within that time. */
  readonly recoveryLimit: { readonly recoveries: number; readonly withinMs: number };
  /** For how long after the death a call that one of these limits stops waits for an operator, ms; 0: not at all. */
  readonly quarantineMs: number;
  /** What is done with the one leg of a call that is left where the others cannot return; absent: it is left alone. */
  readonly bereft?: BereftTreatment;
  /** Media that one hears who waits for the others; absent: silence. */
  readonly comfort?: string;
  /** What comes back of what was going on; where it is absent what is built in. */
  readonly resume?: ResumePolicy;
}

/** True where all that the source is unsure of may be recovered all the same. */
export function allowsUnsure(policy: RecoveryPolicy, unsure: readonly string[]): boolean {
  return unsure.every((reason) => policy.unsure[reason] === 'recover');
}
