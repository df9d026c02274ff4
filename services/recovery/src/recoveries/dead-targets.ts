import { database, withPostgresErrors, type Pool } from '@reinvite/db';
import type { Candidate, NodeDown } from '@reinvite/domain';
import { sql } from 'drizzle-orm';
import type { Recoveries } from './recoveries.js';

/** A leg (none: null) of a recovery that is open on a node. */
export interface OpenLeg extends Record<string, unknown> {
  readonly recovery_id: string;
  readonly channel_id: string | null;
  /** Whether the recovery of the node's own calls has it. */
  readonly taken_over: boolean;
}

/** What is open on one life of a node. @throws the coded errors of `withPostgresErrors`. */
export type OpenLegs = (nodeId: string, incarnation: string) => Promise<readonly OpenLeg[]>;

/** From the tables `recoveries` and `recovery_legs`. */
export function postgresOpenLegs(pool: Pool): OpenLegs {
  return async (nodeId, incarnation) => {
    const { rows } = await withPostgresErrors(() =>
      database(pool).execute<OpenLeg>(sql`
      select r.recovery_id, ours.channel_id, theirs.leg_id is not null as taken_over
      from recoveries r
      left join recovery_legs ours on ours.recovery_id = r.recovery_id
      left join recovery_legs theirs on theirs.leg_id = ours.channel_id
        and theirs.recovery_id <> r.recovery_id and theirs.outcome is distinct from 'skipped'
      where r.target = ${nodeId} and r.target_incarnation = ${incarnation} and r.completed_at is null`),
    );
    return rows;
  };
}

/**
 * Tells the recoveries that had given legs to a node that it is dead. To be called once the recovery of the node's own calls is
 * planned: a channel of ours that had come back there is one of them, and only one of the two may go on with its dialog.
 * @throws CodedError `POSTGRES_UNREACHABLE`: to be called again.
 */
export async function tellOfDeadTarget(
  openLegs: OpenLegs,
  recoveries: Pick<Recoveries, 'tell'>,
  candidates: () => readonly Candidate[],
  { nodeId, incarnation }: Pick<NodeDown, 'nodeId' | 'incarnation'>,
): Promise<void> {
  const takenOver = new Map<string, Set<string>>();
  for (const { recovery_id, channel_id, taken_over } of await openLegs(nodeId, incarnation)) {
    const channels = takenOver.get(recovery_id) ?? new Set();
    takenOver.set(recovery_id, channels);
    if (taken_over && channel_id !== null) channels.add(channel_id);
  }
  if (takenOver.size === 0) return;
  const told = { type: 'TargetDied', nodeId, incarnation, candidates: candidates(), at: Date.now() } as const;
  await recoveries.tell(
    [...takenOver].map(([recoveryId, channels]) => ({
      recoveryId,
      command: { ...told, takenOver: channels },
    })),
  );
}
