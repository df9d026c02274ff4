import {
  deriveCalls,
  planRecoveries,
  type BridgeRecord,
  type ConferenceStanding,
  type LegRecord,
  type Participant,
  type Place,
  type PlanInput,
  type PlanRecovery,
} from '../../src/index.js';
import { policy } from './policies.js';
import { candidate, limits } from './recoveries.js';
import { dialogView } from './records.js';

export const place = (nodeId: string): Place => ({ nodeId, incarnation: `life-of-${nodeId}` });
export const participants = (...channelIds: string[]): Participant[] =>
  channelIds.map((channelId) => ({ channelId, sipCallId: `${channelId}@phone` }));

/** The plans of ast1's death. */
export function plansOf(
  legs: readonly LegRecord[],
  bridges: readonly BridgeRecord[],
  conferences: Readonly<Record<string, ConferenceStanding>>,
  change: Partial<PlanInput> = {},
): PlanRecovery[] {
  const calls = deriveCalls({ nodeId: 'ast1', incarnation: '1', legs, bridges }, new Map());
  return planRecoveries({
    calls,
    dialogs: new Map(legs.map((leg) => [leg.sipCallId, [dialogView()]])),
    candidates: [candidate('ast2', 0), candidate('ast3', 50)],
    trigger: { kind: 'node-down', evidence: 'process-gone', at: 9_990 },
    limits,
    policy: policy(),
    ledgerHeard: true,
    past: [],
    at: 10_000,
    conferences: new Map(Object.entries(conferences)),
    ...change,
  });
}
