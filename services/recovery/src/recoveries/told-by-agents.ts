import { setTimeout as delay } from 'node:timers/promises';
import { database, withPostgresErrors, type Pool } from '@reinvite/db';
import { commandIdOf, recoveryStream, type RestoreFact } from '@reinvite/domain';
import { sql } from 'drizzle-orm';
import { Batcher } from './batcher.js';

/** An agent tells of a channel within milliseconds; NATS and the projection may take this long. */
const PATIENCE_MS = 2_000;
const LOOK_AGAIN_MS = 200;

/**
 * What the agents have told of the latest attempts of recoveries, as a worker would say it: legs that are up, and whether all
 * are in the bridge that they were to be joined in. @throws the coded errors of `withPostgresErrors`.
 */
export type ToldByAgents = (recoveryIds: readonly string[]) => Promise<readonly RestoreFact[]>;

/** What call records show of a leg's latest attempt. */
export interface ToldRow extends Record<string, unknown> {
  readonly recovery_id: string;
  readonly call_id: string;
  readonly attempts: number;
  readonly target: string;
  readonly leg_id: string;
  readonly channel_id: string;
  readonly attempt: number;
  readonly is_up: boolean;
  /** The bridge that the call was to be joined in, where the leg is in it. */
  readonly bridge_id: string | null;
  /** Epoch ms. */
  readonly at: number;
}

/** From the call records. */
export function toldByAgents(pool: Pool): ToldByAgents {
  return async (recoveryIds) => {
    if (recoveryIds.length === 0) return [];
    const { rows } = await withPostgresErrors(() =>
      database(pool).execute<ToldRow>(sql`
        select r.recovery_id, r.call_id, r.attempts, r.target, ours.leg_id, ours.channel_id, ours.attempt,
          coalesce(heard.state = 'Up', false) as is_up, joined.bridge_id,
          coalesce(extract(epoch from heard.observed_at)::float8 * 1000, 0) as at
        from recoveries r
        join recovery_legs ours on ours.recovery_id = r.recovery_id and ours.channel_id is not null
          and ours.attempt = (select max(attempt) from recovery_legs
            where recovery_id = ours.recovery_id and leg_id = ours.leg_id)
        join events plan on plan.stream_id = ${recoveryStream('')} || r.recovery_id and plan.version = 1
        left join legs heard on heard.node_id = r.target and heard.incarnation = r.target_incarnation
          and heard.channel_id = ours.channel_id and heard.gone_at is null
        left join bridges joined on joined.node_id = r.target and joined.incarnation = r.target_incarnation
          and joined.bridge_id = plan.data -> 'join' ->> 'bridgeId' and joined.gone_at is null
          and ours.channel_id = any(joined.channel_ids)
        where r.recovery_id = any(${sql.param([...recoveryIds])}::text[]) and r.outcome is null`),
    );
    return toldFacts(rows);
  };
}

/** The same of any number of recoveries, as facts. */
export function toldFacts(rows: readonly ToldRow[]): RestoreFact[] {
  return [...new Set(rows.map((row) => row.recovery_id))].flatMap((id) =>
    factsOf(rows.filter((row) => row.recovery_id === id)),
  );
}

function factsOf(rows: readonly ToldRow[]): RestoreFact[] {
  const up = rows.filter((row) => row.is_up);
  const [first] = up;
  if (first === undefined) return [];
  const answered = up.map((row): RestoreFact => ({
    ...commonOf(row, row.attempt),
    type: 'LegAnswered',
    legId: row.leg_id,
    channelId: row.channel_id,
  }));
  if (first.bridge_id === null || up.length < rows.length || up.some((row) => row.bridge_id === null))
    return answered;
  return [...answered, { ...commonOf(first, first.attempts), type: 'LegsJoined', bridgeId: first.bridge_id }];
}

function commonOf({ recovery_id: recoveryId, call_id: callId, target, at }: ToldRow, attempt: number) {
  return {
    commandId: commandIdOf(recoveryId, attempt),
    recoveryId,
    callId,
    attempt,
    target,
    at: Math.round(at),
  };
}

/** Asked within that time it is one question. */
const TOGETHER_MS = 25;
const ASKED_AT_ONCE = 1_000;

interface Asked {
  readonly recoveryId: string;
  facts: readonly RestoreFact[];
}

/** For one recovery at a time, and all that are asked about together are one query: a lost node is many lost legs. */
export function askedTogether(told: ToldByAgents): (recoveryId: string) => Promise<readonly RestoreFact[]> {
  const batcher = new Batcher<Asked>(
    async (all) => {
      const facts = new Map<string, RestoreFact[]>();
      for (const fact of await told([...new Set(all.map((one) => one.recoveryId))]))
        facts.set(fact.recoveryId, [...(facts.get(fact.recoveryId) ?? []), fact]);
      for (const one of all) one.facts = facts.get(one.recoveryId) ?? [];
    },
    ASKED_AT_ONCE,
    TOGETHER_MS,
  );
  return async (recoveryId) => {
    const asked: Asked = { recoveryId, facts: [] };
    await batcher.submit(asked);
    return asked.facts;
  };
}

/**
 * What is to be believed of a fact: that of a worker which has lost sight of a channel says that its outcome is unknown, where
 * the agent beside the Asterisk may know that the phone is back.
 * @throws as {@link ToldByAgents}
 */
export async function lookedAtAgain(
  fact: RestoreFact,
  told: ReturnType<typeof askedTogether>,
): Promise<readonly RestoreFact[]> {
  if (fact.type !== 'LegRefused' || fact.reason !== 'OUTCOME_UNKNOWN') return [fact];
  for (let left = PATIENCE_MS; ; left -= LOOK_AGAIN_MS) {
    const known = await told(fact.recoveryId);
    if (known.some((one) => one.type === 'LegAnswered' && one.channelId === fact.channelId)) return known;
    if (left <= 0) return [fact];
    await delay(LOOK_AGAIN_MS);
  }
}
