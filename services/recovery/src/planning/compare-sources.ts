import { recoveryOfChannel, type Disagreement, type PlanRecovery } from '@reinvite/domain';
import type { HomerSource } from '@reinvite/homer';
import { dialogsOf, emptyCall, type Dialog } from '@reinvite/sip';
import { compareDialogs } from './compare-dialogs.js';

/** Legs of a dead node that were planned on the ledger's word alone. */
export interface Sure {
  readonly commands: readonly PlanRecovery[];
  /** As the ledger had them when the legs were planned, by Call-ID. */
  readonly dialogs: ReadonlyMap<string, readonly Dialog[]>;
  readonly nodeId: string;
  /** Epoch ms. */
  readonly diedAt: number;
}

export interface Noted {
  readonly recoveryId: string;
  readonly disagreements: readonly Disagreement[];
}

/**
 * Asks HOMER for dialogs of which the ledger was sure, and gives what they do not say alike. What the recovery itself has sent
 * meanwhile is left out.
 * @throws the signal's reason when the service stops.
 */
export async function compareSources(
  homer: Pick<HomerSource, 'ask'>,
  { commands, dialogs, nodeId, diedAt }: Sure,
): Promise<Noted[]> {
  const legs = commands.flatMap(({ recoveryId, legs: planned }) =>
    planned.map(({ legId, sipCallId }) => ({ recoveryId, legId, sipCallId })),
  );
  if (legs.length === 0) return [];
  const isOlder = legs.some(({ legId }) => recoveryOfChannel(legId) !== null);
  const known = [...dialogs.values()].flat().map(({ createdAt }) => createdAt);
  const since = isOlder || known.length === 0 ? null : Math.min(...known);
  const { told } = await homer.ask(
    legs.map(({ sipCallId }) => sipCallId),
    { since, until: diedAt },
    { counts: (observed) => observed.nodeId === nodeId || observed.at <= diedAt * 1_000 },
  );
  const noted = new Map<string, Disagreement[]>();
  for (const { recoveryId, legId, sipCallId } of legs) {
    const homers = dialogsOf(told.get(sipCallId) ?? emptyCall(sipCallId));
    const found = compareDialogs(dialogs.get(sipCallId) ?? [], homers).map((one) => ({ legId, ...one }));
    if (found.length > 0) noted.set(recoveryId, [...(noted.get(recoveryId) ?? []), ...found]);
  }
  return [...noted].map(([recoveryId, disagreements]) => ({ recoveryId, disagreements }));
}
