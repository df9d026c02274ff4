import type { Database } from '@reinvite/db';
import { recoveryOfChannel, type PlanRecovery, type SkipReason } from '@reinvite/domain';
import { codedError } from '@reinvite/runtime';
import { sql } from 'drizzle-orm';
import { handedOnLegs } from './handed-on.js';

/** The recoveries that are about to be recorded, by the ids of their legs, planned and skipped ones. */
export type Claim = ReadonlyMap<string, string>;

/**
 * Why a channel is recorded that was in a bridge and of which no leg was known: it is planned by that as little as it is claimed, for
 * its leg may be told of later.
 */
const NO_LEG: SkipReason = 'leg-not-pjsip';

/** Whether a row of `recovery_legs` stands for a leg. */
export const isLegRow = sql`recovery_legs.reason is distinct from ${NO_LEG}`;

/** What plans claim. A channel that is no leg of ours may be seen in two calls. */
export function claimOf(commands: readonly PlanRecovery[]): Claim {
  return new Map(
    commands.flatMap(({ recoveryId, legs, skipped }) =>
      [...legs, ...skipped.filter(({ reason }) => reason !== NO_LEG)].map(
        ({ legId }) => [legId, recoveryId] as const,
      ),
    ),
  );
}

/**
 * From here on until the end of the transaction nobody else plans calls of that life, nor is told which of them another recovery
 * goes on with.
 */
export async function lockPlans(tx: Database, nodeId: string, incarnation: string): Promise<void> {
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`plan ${nodeId} ${incarnation}`}, 0))`,
  );
}

/**
 * To be run in the transaction that records plans of a dead incarnation's calls. Two who plan them (replicas of which the first
 * was cut off for a while, a death and a request) may have read different call records: here one waits for the other, and sees
 * what that has recorded. A leg goes into one recovery, none is left out of one that has begun without it, and none is taken from
 * one that goes on with it elsewhere.
 * @throws CodedError `RECOVERY_CLAIMED`: to be planned again, with what is recorded now.
 */
export async function claim(
  tx: Database,
  nodeId: string,
  incarnation: string,
  claimed: Claim,
): Promise<void> {
  if (claimed.size === 0) return;
  await lockPlans(tx, nodeId, incarnation);
  const [legIds, recoveryIds] = [[...claimed.keys()], [...new Set(claimed.values())]];
  const { rows } = await tx.execute<{ recovery_id: string; leg_ids: string[] }>(sql`
    select recoveries.recovery_id, coalesce(array_agg(distinct leg_id) filter (where leg_id is not null), '{}') as leg_ids
    from recoveries left join recovery_legs on recovery_legs.recovery_id = recoveries.recovery_id and ${isLegRow}
    where node_id = ${nodeId} and incarnation = ${incarnation}
      and (recoveries.recovery_id = any(${sql.param(recoveryIds)}::text[]) or leg_id = any(${sql.param(legIds)}::text[]))
    group by recoveries.recovery_id`);
  const ours = legIds.filter((legId) => recoveryOfChannel(legId) !== null);
  const handedOn = ours.length === 0 ? [] : await handedOnLegs(tx, nodeId, incarnation);
  assertClaimable(
    claimed,
    new Map(rows.map(({ recovery_id, leg_ids }) => [recovery_id, new Set(leg_ids)])),
    new Set(handedOn),
  );
}

/**
 * @param recorded legs of the recoveries of that incarnation that have one of these ids, or one of these legs.
 * @param handedOn channels of that incarnation with which the recovery that had brought them there goes on elsewhere.
 * @throws CodedError `RECOVERY_CLAIMED`
 */
export function assertClaimable(
  claimed: Claim,
  recorded: ReadonlyMap<string, ReadonlySet<string>>,
  handedOn: ReadonlySet<string>,
): void {
  const owners = new Map(
    [...recorded].flatMap(([recoveryId, legIds]) => [...legIds].map((legId) => [legId, recoveryId] as const)),
  );
  for (const [legId, recoveryId] of claimed) {
    const isOthers = handedOn.has(legId) || (owners.has(legId) && owners.get(legId) !== recoveryId);
    const isLeftOut = !owners.has(legId) && recorded.has(recoveryId);
    if (isOthers || isLeftOut)
      throw codedError('RECOVERY_CLAIMED', 'somebody else has planned calls of this node meanwhile', {
        recoveryId,
        legId,
      });
  }
}
