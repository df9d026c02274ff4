import { setTimeout as delay } from 'node:timers/promises';
import { database, withPostgresErrors, type Database, type Pool } from '@reinvite/db';
import type { Candidate, NodeDown, TargetDied } from '@reinvite/domain';
import { codedError, isCoded, type Logger } from '@reinvite/runtime';
import { sql } from 'drizzle-orm';
import { lockPlans } from '../planning/claim.js';
import type { Recoveries } from './recoveries.js';

/** A leg (none: null) of a recovery that is open on a node. */
export interface OpenLeg extends Record<string, unknown> {
  readonly recovery_id: string;
  readonly channel_id: string | null;
  /** Whether the recovery of the node's own calls has it. */
  readonly taken_over: boolean;
  /** Whether it was hung up before the node died, as far as its agent has told. */
  readonly ended: boolean;
}

/**
 * What is open on one life of a node; in a transaction, where one is given, when nobody plans that life's calls any more in
 * another one. @throws the coded errors of `withPostgresErrors`.
 */
export type OpenLegs = (nodeId: string, incarnation: string, tx?: Database) => Promise<readonly OpenLeg[]>;

/** From the tables `recoveries`, `recovery_legs` and `legs`. */
export function postgresOpenLegs(pool: Pool): OpenLegs {
  return async (nodeId, incarnation, tx) => {
    if (tx !== undefined) await lockPlans(tx, nodeId, incarnation);
    const { rows } = await withPostgresErrors(() =>
      (tx ?? database(pool)).execute<OpenLeg>(sql`
      select r.recovery_id, ours.channel_id, theirs.leg_id is not null as taken_over,
        heard.gone_at is not null and heard.gone_at is distinct from life.closed_at as ended
      from recoveries r
      left join recovery_legs ours on ours.recovery_id = r.recovery_id
      left join recovery_legs theirs on theirs.leg_id = ours.channel_id
        and theirs.recovery_id <> r.recovery_id and theirs.outcome is distinct from 'skipped'
      left join legs heard on heard.node_id = ${nodeId} and heard.incarnation = ${incarnation}
        and heard.channel_id = ours.channel_id
      left join node_incarnations life on life.node_id = ${nodeId} and life.incarnation = ${incarnation}
      where r.target = ${nodeId} and r.target_incarnation = ${incarnation} and r.completed_at is null`),
    );
    return rows;
  };
}

/** How often it is looked for recoveries that a replica has begun on a node of whose death it had not heard yet. */
const LOOK_EVERY_MS = 1_000;

/** A life of a node. */
export type Life = Pick<NodeDown, 'nodeId' | 'incarnation'>;

/**
 * Dead lives that have a recovery open, and whose own calls are all planned: only then it is known which legs that had come
 * back there are taken over. @throws the coded errors of `withPostgresErrors`.
 */
export type DeadTargets = () => Promise<readonly Life[]>;

/** From the tables `recoveries` and `node_incarnations`. */
export function postgresDeadTargets(pool: Pool): DeadTargets {
  return async () => {
    const { rows } = await withPostgresErrors(() =>
      database(pool).execute<{ node_id: string; incarnation: string }>(sql`
      select distinct life.node_id, life.incarnation
      from recoveries r
      join node_incarnations life on life.node_id = r.target and life.incarnation = r.target_incarnation
      where r.outcome is null and life.closed_at is not null`),
    );
    return rows.map(({ node_id: nodeId, incarnation }) => ({ nodeId, incarnation }));
  };
}

/**
 * Tells what {@link tellOfDeadTarget} could not: an attempt that began on a dead node after it had been asked, until the signal
 * aborts. Telling twice changes nothing.
 */
export async function watchDeadTargets(
  targets: DeadTargets,
  tell: (life: Life) => Promise<void>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const life of await targets()) await tell(life);
    } catch (err) {
      log.warn({ err }, 'dead targets not looked at, trying again');
    }
    // Rejects only when the signal aborts, which ends the loop.
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Tells the recoveries that had given legs to a node that it is dead. To be called once the recovery of the node's own calls is
 * planned: a channel of ours that had come back there is one of them, and only one of the two may go on with its dialog. So it is
 * recorded only where no further leg has been planned meanwhile; else it is told anew.
 * @throws CodedError `POSTGRES_UNREACHABLE`: to be called again.
 */
export async function tellOfDeadTarget(
  openLegs: OpenLegs,
  recoveries: Pick<Recoveries, 'tell'>,
  candidates: () => readonly Candidate[],
  { nodeId, incarnation }: Life,
): Promise<void> {
  for (let isTold = false; !isTold;) {
    const open = byRecovery(await openLegs(nodeId, incarnation));
    if (open.size === 0) return;
    const told = {
      type: 'TargetDied',
      nodeId,
      incarnation,
      candidates: candidates(),
      at: Date.now(),
    } as const;
    const commands = [...open].map(([recoveryId, legs]) => ({ recoveryId, command: { ...told, ...legs } }));
    try {
      await recoveries.tell(commands, async (tx) => {
        assertStill(open, byRecovery(await openLegs(nodeId, incarnation, tx)));
      });
      isTold = true;
    } catch (error) {
      if (!isCoded(error, 'RECOVERY_CLAIMED')) throw error;
    }
  }
}

type Channels = Pick<TargetDied, 'takenOver' | 'ended'>;

function byRecovery(rows: readonly OpenLeg[]): ReadonlyMap<string, Channels> {
  const ids = [...new Set(rows.map((row) => row.recovery_id))];
  return new Map(
    ids.map((id) => {
      const channels = (isOne: (row: OpenLeg) => boolean): ReadonlySet<string> =>
        new Set(
          rows.flatMap((row) =>
            row.recovery_id === id && row.channel_id !== null && isOne(row) ? [row.channel_id] : [],
          ),
        );
      return [
        id,
        { takenOver: channels((row) => row.taken_over), ended: channels((row) => row.ended) },
      ] as const;
    }),
  );
}

/** @throws CodedError `RECOVERY_CLAIMED` where the recovery of the node's own calls has taken further legs over. */
function assertStill(told: ReadonlyMap<string, Channels>, now: ReadonlyMap<string, Channels>): void {
  for (const [recoveryId, { takenOver }] of now)
    for (const channelId of takenOver)
      if (told.has(recoveryId) && told.get(recoveryId)?.takenOver.has(channelId) !== true)
        throw codedError('RECOVERY_CLAIMED', 'a leg was taken over meanwhile', { recoveryId, channelId });
}
