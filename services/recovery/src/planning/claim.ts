import type { Database } from '@reinvite/db';
import type { PlanRecovery } from '@reinvite/domain';
import { codedError } from '@reinvite/runtime';
import { sql } from 'drizzle-orm';

/** The recoveries that are about to be recorded, by the ids of their legs, planned and skipped ones. */
export type Claim = ReadonlyMap<string, string>;

/** What plans claim. A channel that is no leg of ours may be seen in two calls. */
export function claimOf(commands: readonly PlanRecovery[]): Claim {
  return new Map(
    commands.flatMap(({ recoveryId, legs, skipped }) =>
      [...legs, ...skipped.filter(({ reason }) => reason !== 'leg-not-pjsip')].map(
        ({ legId }) => [legId, recoveryId] as const,
      ),
    ),
  );
}

/**
 * To be run in the transaction that records plans of a dead incarnation's calls. Two replicas that plan one death, because the
 * first was cut off for a while, may have read different call records: here one waits for the other, and sees what that has
 * recorded. A leg goes into one recovery, and none is left out of one that has begun without it.
 * @throws CodedError `RECOVERY_RESTRAINED`: to be planned again, with what is recorded now.
 */
export async function claim(
  tx: Database,
  nodeId: string,
  incarnation: string,
  claimed: Claim,
): Promise<void> {
  if (claimed.size === 0) return;
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`plan ${nodeId} ${incarnation}`}, 0))`,
  );
  const [legIds, recoveryIds] = [[...claimed.keys()], [...new Set(claimed.values())]];
  const { rows } = await tx.execute<{ recovery_id: string; leg_ids: string[] }>(sql`
    select recoveries.recovery_id, coalesce(array_agg(distinct leg_id) filter (where leg_id is not null), '{}') as leg_ids
    from recoveries left join recovery_legs using (recovery_id)
    where node_id = ${nodeId} and incarnation = ${incarnation}
      and (recoveries.recovery_id = any(${sql.param(recoveryIds)}::text[]) or leg_id = any(${sql.param(legIds)}::text[]))
    group by recoveries.recovery_id`);
  assertClaimable(claimed, new Map(rows.map(({ recovery_id, leg_ids }) => [recovery_id, new Set(leg_ids)])));
}

/**
 * @param recorded legs of the recoveries of that incarnation that have one of these ids, or one of these legs.
 * @throws CodedError `RECOVERY_RESTRAINED`
 */
export function assertClaimable(claimed: Claim, recorded: ReadonlyMap<string, ReadonlySet<string>>): void {
  const owners = new Map(
    [...recorded].flatMap(([recoveryId, legIds]) => [...legIds].map((legId) => [legId, recoveryId] as const)),
  );
  for (const [legId, recoveryId] of claimed) {
    const isOthers = owners.has(legId) && owners.get(legId) !== recoveryId;
    const isLeftOut = !owners.has(legId) && recorded.has(recoveryId);
    if (isOthers || isLeftOut)
      throw codedError('RECOVERY_RESTRAINED', 'another replica has planned calls of this node meanwhile', {
        recoveryId,
        legId,
      });
  }
}
