import type { RecoveryPolicy } from './policy.js';
import type { SkipReason } from './reasons.js';

/** An earlier recovery of a call, as the read side holds it. Times are epoch ms. */
export interface PastRecovery {
  readonly callId: string;
  /** The incarnation whose death it answered, and when the evidence of that was seen. */
  readonly nodeId: string;
  readonly incarnation: string;
  readonly detectedAt: number;
  /** Where the call went last; null where nothing was tried. */
  readonly target: string | null;
  readonly targetIncarnation: string | null;
  /** When the first re-INVITE was sent; null where none was. */
  readonly takenAt: number | null;
  /** Other nodes that had been given the call in it and died before it had come back there. */
  readonly lostTargets: number;
}

/** The death that is being answered. */
export interface Death {
  readonly nodeId: string;
  readonly incarnation: string;
  /** Epoch ms. */
  readonly at: number;
}

/**
 * Since when the recoveries of a call count, epoch ms: those that the one limit is about, and the longest chain of crashes that
 * the other one lets happen.
 */
export function historySince(
  death: Pick<Death, 'at'>,
  { crashLimit, recoveryLimit }: RecoveryPolicy,
): number {
  return death.at - Math.max(recoveryLimit.withinMs, (crashLimit.nodes + 1) * crashLimit.withinMs);
}

/**
 * How many nodes a call has lost, each soon after it had taken the call. Where it was set up does not count.
 * @param past all recoveries of that call, in any order
 */
export function crashesOf(
  past: readonly PastRecovery[],
  death: Death,
  { crashLimit }: Pick<RecoveryPolicy, 'crashLimit'>,
): number {
  const crashes = past.filter((one) => {
    const died = one.takenAt === null ? null : diedAt(one, past, death);
    return died !== null && died - (one.takenAt ?? died) <= crashLimit.withinMs;
  });
  return past.reduce((sum, { lostTargets }) => sum + lostTargets, crashes.length);
}

/**
 * Why a call is not to be recovered once more: each node that takes it dies soon after, or it has been recovered too often of
 * late; null where it may be. A crash that the call itself brings about would otherwise take one node after the other.
 * @param past all recoveries of that call, in any order
 */
export function quarantineOf(
  past: readonly PastRecovery[],
  death: Death,
  policy: RecoveryPolicy,
): SkipReason | null {
  const { crashLimit, recoveryLimit } = policy;
  if (crashesOf(past, death, policy) >= crashLimit.nodes) return 'call-crashes-nodes';
  const recent = past.filter(
    ({ takenAt }) => takenAt !== null && death.at - takenAt <= recoveryLimit.withinMs,
  );
  return recent.length >= recoveryLimit.recoveries ? 'recovered-too-often' : null;
}

/** When the node died that had taken the call, as far as the call itself was touched by it. */
function diedAt(
  { target, targetIncarnation }: PastRecovery,
  past: readonly PastRecovery[],
  death: Death,
): number | null {
  const isIt = ({ nodeId, incarnation }: Pick<Death, 'nodeId' | 'incarnation'>): boolean =>
    nodeId === target && incarnation === targetIncarnation;
  if (isIt(death)) return death.at;
  return past.find(isIt)?.detectedAt ?? null;
}
