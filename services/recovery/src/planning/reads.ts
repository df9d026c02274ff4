import type { Database, Pool } from '@reinvite/db';
import type { Call, ConferenceStanding, FlowOfLeg, PastRecovery, RestoredLeg } from '@reinvite/domain';
import { closeIncarnation, readLiveCalls, type LiveCalls } from '../call-records/index.js';
import { readConferences, type AskedConferences } from '../conferences/index.js';
import { readFlows } from '../flow/index.js';
import { rememberedLegs } from './memory.js';
import { pastRecoveries } from './past-recoveries.js';
import { claim, type Claim } from './claim.js';
import { unheardLegs, type UnheardLeg } from './unheard.js';
import { whatIsPlanned, type Planned } from './planned.js';

/** What the planning reads and writes of the store. Every method rejects with the coded errors of `withPostgresErrors`. */
export interface PlanningReads {
  /** What lived on an incarnation when it was last heard of. */
  liveCalls(nodeId: string, incarnation: string): Promise<LiveCalls>;
  /** What of ours lived there, and its agent has not told. */
  unheard(nodeId: string, incarnation: string): Promise<readonly UnheardLeg[]>;
  /** What is remembered of replacement channels of ours, by channel id. */
  remembered(channelIds: readonly string[]): Promise<ReadonlyMap<string, RestoredLeg>>;
  /** What ARI applications have put of legs, by SIP Call-ID. */
  flows(sipCallIds: readonly string[]): Promise<ReadonlyMap<string, FlowOfLeg>>;
  /** What of an incarnation has a recovery already. */
  planned(nodeId: string, incarnation: string): Promise<Planned>;
  /** Earlier recoveries of these calls since a moment, epoch ms. */
  past(calls: readonly Call[], since: number): Promise<PastRecovery[]>;
  /** What of conferences is on other nodes; nothing where it is absent. */
  conferences?(asked: AskedConferences): Promise<ReadonlyMap<string, ConferenceStanding>>;
  /** Makes sure in a transaction that what is to be recorded in it is planned once. @throws as {@link claim}. */
  claim(tx: Database, nodeId: string, incarnation: string, claimed: Claim): Promise<void>;
  /** Notes in a transaction that an incarnation has been acted on. `at`: epoch ms. */
  close(tx: Database, nodeId: string, incarnation: string, at: number): Promise<void>;
}

/** From the tables of a database. */
export function postgresReads(pool: Pool): PlanningReads {
  return {
    liveCalls: (nodeId, incarnation) => readLiveCalls(pool, nodeId, incarnation),
    unheard: (nodeId, incarnation) => unheardLegs(pool, nodeId, incarnation),
    remembered: (channelIds) => rememberedLegs(pool, channelIds),
    flows: (sipCallIds) => readFlows(pool, sipCallIds),
    planned: (nodeId, incarnation) => whatIsPlanned(pool, nodeId, incarnation),
    conferences: (asked) => readConferences(pool, asked),
    past: (calls, since) => pastRecoveries(pool, calls, since),
    claim,
    close: closeIncarnation,
  };
}

/** Those that are given, else those of the database. */
export function readsOf({
  pool,
  reads,
}: {
  readonly pool: Pool;
  readonly reads?: PlanningReads;
}): PlanningReads {
  return reads ?? postgresReads(pool);
}
