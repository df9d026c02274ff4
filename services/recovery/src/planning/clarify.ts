import { findEvidence, type Pool } from '@reinvite/db';
import { recoveryOfChannel, type CallLeg, type Disagreement, type WaitedFor } from '@reinvite/domain';
import { isComplete, type HomerSource } from '@reinvite/homer';
import {
  dialogsOf,
  emptyCall,
  joinCalls,
  type CallDialogs,
  type Dialog,
  type DialogSearch,
} from '@reinvite/sip';
import { compareDialogs } from './compare-dialogs.js';

export interface Clarified {
  /** By Call-ID, from all that both sources have seen; only where HOMER could tell. */
  readonly dialogs: ReadonlyMap<string, readonly Dialog[]>;
  /** Call-IDs of which HOMER could not tell. */
  readonly untold: ReadonlySet<string>;
  /** By Call-ID. */
  readonly disagreements: ReadonlyMap<string, readonly Omit<Disagreement, 'legId'>[]>;
  readonly waitedFor: WaitedFor;
}

/**
 * Asks HOMER about legs of a dead node. What it tells is joined with what the ledger has seen: messages that the one has missed
 * the other may have.
 * @param pool null where there is no ledger.
 * @param diedAt epoch ms.
 * @throws CodedError `POSTGRES_UNREACHABLE`; never for HOMER, save when the service stops.
 */
export async function clarify(
  homer: Pick<HomerSource, 'ask'>,
  pool: Pool | null,
  legs: readonly CallLeg[],
  diedAt: number,
): Promise<Clarified> {
  const callIds = [...new Set(legs.map(({ record }) => record.sipCallId))];
  const started = performance.now();
  const known = pool === null ? new Map<string, CallDialogs>() : await findEvidence(pool, callIds);
  const joined = (call: CallDialogs): CallDialogs =>
    joinCalls(known.get(call.callId) ?? emptyCall(call.callId), call);
  const { told, untold } = await homer.ask(callIds, searchFor(legs, diedAt), {
    enough: (call) => isComplete(joined(call)),
  });
  const waitedFor: WaitedFor = { source: 'homer', ms: Math.round(performance.now() - started) };
  const dialogs = new Map([...told].map(([callId, call]) => [callId, dialogsOf(joined(call))]));
  const disagreements = new Map(
    [...told].map(([callId, call]) => [
      callId,
      compareDialogs(dialogsOf(known.get(callId) ?? emptyCall(callId)), dialogsOf(call)),
    ]),
  );
  return { dialogs, untold: new Set(untold.keys()), disagreements, waitedFor };
}

/** The dialog of a leg that had been recovered before is older than its channel. */
function searchFor(legs: readonly CallLeg[], diedAt: number): DialogSearch {
  const isOlder = legs.some(({ legId }) => recoveryOfChannel(legId) !== null);
  const since = isOlder ? null : Math.min(...legs.map(({ record }) => record.createdAt));
  return { since, until: diedAt };
}
