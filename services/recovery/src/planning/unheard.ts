import { database, withPostgresErrors, type Pool } from '@reinvite/db';
import {
  legPlace,
  recoveryEvent,
  recoveryOfChannel,
  recoveryStream,
  unheardLeg,
  type AriBridgeJoin,
  type LegObserved,
  type RestoredLeg,
} from '@reinvite/domain';
import { sql } from 'drizzle-orm';
import { KEEP_GONE, type LiveCalls } from '../call-records/index.js';

/**
 * A leg of ours that came back on an incarnation, or is on its way with one that did, and that its agent did not tell to be up; or
 * told of, and gone only with the closing of the incarnation's records.
 */
export interface UnheardLeg {
  readonly record: LegObserved;
  /** What the legs of its recovery were joined in, or were to be. */
  readonly join: AriBridgeJoin | null;
}

/** A row of `recovery_legs` with the plan of its recovery. */
export interface UnheardRow extends Record<string, unknown> {
  readonly channel_id: string;
  readonly leg_id: string;
  readonly sip_call_id: string;
  readonly endpoint: string;
  readonly origin: unknown;
  /** Epoch ms. */
  readonly originated_at: number | null;
  /** Epoch ms. */
  readonly answered_at: number | null;
  /** Data of the `RecoveryPlanned`, without its type. */
  readonly plan: Record<string, unknown>;
}

/**
 * An agent tells in order: one that has told of something so much later (by another clock) has told all that it knew of the leg.
 */
export const SURELY_TOLD = '10 seconds';

/**
 * The workers' facts come another way than the agent's, and are there when that has died with its node, or was cut off. What came
 * back longer ago than call records are kept may have ended since.
 * @throws CodedError `POSTGRES_UNREACHABLE`
 */
export async function unheardLegs(pool: Pool, nodeId: string, incarnation: string): Promise<UnheardLeg[]> {
  const { rows } = await withPostgresErrors(() =>
    database(pool).execute<UnheardRow>(sql`
      select ours.channel_id, ours.leg_id, ours.sip_call_id, ours.endpoint, ours.origin, plan.data as plan,
        extract(epoch from ours.originated_at)::float8 * 1000 as originated_at,
        extract(epoch from ours.answered_at)::float8 * 1000 as answered_at
      from recoveries r
      join recovery_legs ours on ours.recovery_id = r.recovery_id and ours.target = r.target
      join events plan on plan.stream_id = ${recoveryStream('')} || r.recovery_id and plan.version = 1
      left join legs heard on heard.node_id = r.target and heard.incarnation = r.target_incarnation
        and heard.channel_id = ours.channel_id
      left join node_incarnations life on life.node_id = r.target and life.incarnation = r.target_incarnation
      cross join lateral (
        select max(back.answered_at) as answered_at from recovery_legs back
        where back.recovery_id = r.recovery_id and back.target = r.target and ${isLatest('back')}
      ) as back
      where r.target = ${nodeId} and r.target_incarnation = ${incarnation} and ours.channel_id is not null
        and ours.outcome is distinct from 'failed' and ${isLatest('ours')}
        and (heard.channel_id is null or heard.gone_at is null and heard.state <> 'Up'
          or heard.gone_at = life.closed_at)
        and back.answered_at > now() - ${KEEP_GONE}::interval
        and not exists (select 1 from legs later where later.node_id = r.target
          and later.incarnation = r.target_incarnation and later.observed_at > back.answered_at + ${SURELY_TOLD}::interval)`),
  );
  return rows.flatMap((row) => unheardOf(row, nodeId, incarnation));
}

/** Of the latest attempt at its leg. */
const isLatest = (alias: 'ours' | 'back') => {
  const leg = sql.identifier(alias);
  return sql`${leg}.attempt = (select max(attempt) from recovery_legs
    where recovery_id = ${leg}.recovery_id and leg_id = ${leg}.leg_id)`;
};

/** None where the row or the plan is of a release that kept less. */
export function unheardOf(row: UnheardRow, nodeId: string, incarnation: string): UnheardLeg[] {
  const place = legPlace.safeParse(row.origin);
  const plan = recoveryEvent.safeParse({ ...row.plan, type: 'RecoveryPlanned' });
  if (!place.success || !plan.success || plan.data.type !== 'RecoveryPlanned') return [];
  const planned = plan.data.legs.find(({ legId }) => legId === row.leg_id);
  if (planned === undefined) return [];
  const { callerId, accountCode, language } = planned;
  const record = unheardLeg({
    channelId: row.channel_id,
    sipCallId: row.sip_call_id,
    endpoint: row.endpoint,
    place: place.data,
    callerId,
    accountCode,
    language,
    originatedAt: row.originated_at ?? plan.data.at,
    answeredAt: row.answered_at,
    linkedId: plan.data.linkedId,
  });
  const { join } = plan.data;
  return [
    {
      record: { type: 'LegObserved', nodeId, incarnation, ...record },
      join: join.kind === 'ari-bridge' ? join : null,
    },
  ];
}

/** The call records with the legs that were not told of in them. */
export function withUnheard({ legs, bridges }: LiveCalls, unheard: readonly UnheardLeg[]): LiveCalls {
  const ours = new Set(unheard.map(({ record }) => record.channelId));
  const heard = legs.filter(({ channelId }) => !ours.has(channelId));
  return { legs: [...heard, ...unheard.map(({ record }) => record)], bridges };
}

/** Where one leg of a recovery was not told of, all of its legs count as still to be joined, as the recovery had planned it. */
export function withJoins(
  memory: ReadonlyMap<string, RestoredLeg>,
  unheard: readonly UnheardLeg[],
): ReadonlyMap<string, RestoredLeg> {
  const joins = new Map(
    unheard.map(({ record, join }) => [recoveryOfChannel(record.channelId)?.recoveryId, join]),
  );
  return new Map(
    [...memory].map(([channelId, leg]) => {
      const join = joins.get(recoveryOfChannel(channelId)?.recoveryId);
      return [channelId, join === null || join === undefined ? leg : { ...leg, pendingJoin: join }];
    }),
  );
}
