import { subjects, type Bus } from '@reinvite/bus';
import type { Pool } from '@reinvite/db';
import {
  deriveCalls,
  ledgerBarrierReply,
  type Call,
  type DialogViews,
  type FlowOfLeg,
  type LedgerBarrier,
} from '@reinvite/domain';
import type { Config, Logger } from '@reinvite/runtime';
import type { Dialog } from '@reinvite/sip';
import type { CallRecordProjection, LiveCalls } from '../call-records/index.js';
import type { DialogSources } from './dialog-sources.js';
import { dialogViews } from './dialog-views.js';
import type { Planned } from './planned.js';
import { readsOf, type PlanningReads } from './reads.js';
import { withJoins, withUnheard } from './unheard.js';

export interface EvidenceSources {
  readonly bus: Pick<Bus, 'requestMany' | 'streamState'>;
  readonly pool: Pool;
  /** Default: from the tables of `pool`. */
  readonly reads?: PlanningReads;
  readonly projection: Pick<CallRecordProjection, 'waitUntilProjected'>;
  readonly sources: DialogSources;
  readonly settings: Config['recovery'];
  readonly log: Logger;
}

/** How far what had been told of a dead node is readable. */
export interface Settled {
  /** Whether the call records have its last fact. */
  readonly factsComplete: boolean;
  /** Whether every ledger has said that it has written what had arrived; true where there is none to ask. */
  readonly ledgerHeard: boolean;
}

export interface Evidence {
  readonly calls: readonly Call[];
  readonly dialogs: DialogViews;
  /** What ARI applications have put of the legs, by SIP Call-ID. */
  readonly flows: ReadonlyMap<string, FlowOfLeg>;
  /** The same, as the ledger has them. */
  readonly found: ReadonlyMap<string, readonly Dialog[]>;
}

/**
 * Waits until everything that had been told of a dead node is readable: the ledgers have written the SIP messages that
 * arrived, and the call records have its last fact. Both at once, each for as long as is configured at most.
 * @param lastFactSeq null where the evidence does not say it: then the end of the stream as it is now counts.
 */
export async function settle(
  sources: EvidenceSources,
  nodeId: string,
  lastFactSeq: number | null,
): Promise<Settled> {
  const [ledgerHeard, factsComplete] = await Promise.all([
    sources.sources.ledger === null ? true : ledgerBarrier(sources, nodeId),
    callRecords(sources, lastFactSeq),
  ]);
  return { factsComplete, ledgerHeard };
}

/**
 * The calls that lived on an incarnation, and the dialogs of their legs as the ledger has them: set-based reads, however many
 * calls.
 * @param planned legs that are left out, as if they had not been there, and ids that no call gets.
 */
export async function readEvidence(
  sources: EvidenceSources,
  nodeId: string,
  incarnation: string,
  planned: Planned,
): Promise<Evidence> {
  const reads = readsOf(sources);
  const { ledger } = sources.sources;
  const [live, unheard] = await Promise.all([
    reads.liveCalls(nodeId, incarnation),
    reads.unheard(nodeId, incarnation),
  ]);
  const { legs, bridges } = withoutLegs(withUnheard(live, unheard), planned.legIds);
  const callIds = new Set(legs.map((leg) => leg.sipCallId).filter((callId) => callId !== ''));
  const [memory, found, flows] = await Promise.all([
    reads.remembered(legs.map((leg) => leg.channelId)),
    ledger === null ? new Map<string, readonly Dialog[]>() : ledger.findByCallIds([...callIds]),
    reads.flows([...callIds]),
  ]);
  const records = { nodeId, incarnation, legs, bridges };
  const calls = deriveCalls(records, withJoins(memory, unheard), planned.callIds);
  return { calls, dialogs: dialogViews(found), flows, found };
}

function withoutLegs(live: LiveCalls, without: ReadonlySet<string>): LiveCalls {
  if (without.size === 0) return live;
  const isLeft = (channelId: string): boolean => !without.has(channelId);
  return {
    legs: live.legs.filter((leg) => isLeft(leg.channelId)),
    bridges: live.bridges.map((bridge) => ({ ...bridge, channelIds: bridge.channelIds.filter(isLeft) })),
  };
}

async function callRecords(
  { bus, projection, settings, log }: EvidenceSources,
  lastFactSeq: number | null,
): Promise<boolean> {
  const seq = lastFactSeq ?? (await bus.streamState('callFacts')).lastSeq;
  const complete = await projection.waitUntilProjected(seq, settings.factsTimeoutMs);
  if (!complete)
    log.warn(
      { seq, waitedMs: settings.factsTimeoutMs },
      'call records are behind; planning with what is there',
    );
  return complete;
}

async function ledgerBarrier({ bus, settings, log }: EvidenceSources, nodeId: string): Promise<boolean> {
  const { ledgers, barrierTimeoutMs } = settings;
  const request: LedgerBarrier = {
    type: 'LedgerBarrier',
    requestedBy: `recovery of ${nodeId}`,
    at: Date.now(),
  };
  const replies = await bus.requestMany(
    subjects.ledgerBarrier,
    request,
    ledgerBarrierReply,
    ledgers,
    barrierTimeoutMs,
  );
  const flushed = replies.filter((reply) => reply.status === 'flushed').length;
  if (flushed < ledgers)
    log.warn({ flushed, ledgers, replies }, 'not every ledger has said that its dialogs are readable');
  return flushed >= ledgers;
}
