import { database, withPostgresErrors, type Pool } from '@reinvite/db';
import {
  conferenceKey,
  NOWHERE_ELSE,
  recoveryStream,
  type Conference,
  type ConferenceStanding,
  type Participant,
} from '@reinvite/domain';
import { sql } from 'drizzle-orm';
import { groupsKey } from './groups-key.js';
import { FRESH } from './homes.js';

interface Row extends Record<string, unknown> {
  readonly conference: string;
  /** Null where it is not a part. */
  readonly participants: readonly Participant[] | null;
  /** Both null for a recovery that has no home yet. */
  readonly node_id: string | null;
  readonly incarnation: string | null;
  readonly fresh: boolean | null;
}

/** A death's calls, and where they may go. */
export interface AskedConferences {
  readonly nodeId: string;
  readonly incarnation: string;
  readonly conferences: readonly Conference[];
  /** Groups of nodes that may take the calls. */
  readonly groups: readonly string[];
}

/**
 * What of a dead node's conferences is on other nodes, was brought somewhere, or waits to be, by key; of one that was on that node
 * alone nothing. One statement: the records of a part are closed in the transaction of its last plans, and a plan begins to wait,
 * or takes the home, in its own one; so a part is seen on the node that it leaves, as one that waits or at its home.
 * @throws CodedError `POSTGRES_UNREACHABLE`
 */
export async function readConferences(
  pool: Pool,
  { nodeId, incarnation, conferences, groups }: AskedConferences,
): Promise<ReadonlyMap<string, ConferenceStanding>> {
  if (conferences.length === 0) return new Map();
  const named = (kind: Conference['kind']) => {
    const names = conferences.filter((one) => one.kind === kind).map(({ name }) => name);
    return sql`${sql.param(names)}::text[]`;
  };
  const keys = conferences.map(conferenceKey);
  const { rows } = await withPostgresErrors(() =>
    database(pool).execute<Row>(sql`
      with parts as (
        select 'ari-bridge:' || bridge_id as conference, node_id, incarnation, channel_ids from bridges
        where gone_at is null and bridge_class = 'stasis' and bridge_id = any(${named('ari-bridge')})
        union all
        select 'confbridge:' || name, node_id, incarnation, channel_ids from bridges
        where gone_at is null and creator = 'ConfBridge' and name <> '' and name = any(${named('confbridge')})
      )
      select parts.conference, parts.node_id, parts.incarnation, null::boolean as fresh,
        coalesce(jsonb_agg(jsonb_build_object('channelId', legs.channel_id, 'sipCallId', legs.sip_call_id)
          order by legs.channel_id) filter (where legs.channel_id is not null), '[]') as participants
      from parts
      left join legs on legs.node_id = parts.node_id and legs.incarnation = parts.incarnation and legs.gone_at is null
        and legs.channel_id = any(parts.channel_ids)
      where (parts.node_id, parts.incarnation) <> (${nodeId}, ${incarnation})
      group by parts.conference, parts.node_id, parts.incarnation
      union all
      select conference, node_id, incarnation, used_at > now() - ${FRESH}::interval, null
      from conference_homes where conference = any(${sql.param(keys)}::text[]) and groups = ${groupsKey(groups)}
      union all
      select distinct plan.data -> 'conference' ->> 'key', null, null, null::boolean, null::jsonb
      from recoveries
      join events as plan on plan.stream_id = ${recoveryStream('')} || recoveries.recovery_id and plan.version = 1
      where recoveries.outcome is null and recoveries.attempts = 0
        and plan.data -> 'conference' ->> 'key' = any(${sql.param(keys)}::text[])`),
  );
  return standingsOf(rows);
}

function standingsOf(rows: readonly Row[]): Map<string, ConferenceStanding> {
  const found = new Map<string, ConferenceStanding>();
  for (const { conference, participants, node_id: nodeId, incarnation, fresh } of rows) {
    const { parts, home } = found.get(conference) ?? NOWHERE_ELSE;
    if (nodeId === null || incarnation === null) found.set(conference, { parts, home });
    else if (participants === null)
      found.set(conference, { parts, home: { nodeId, incarnation, fresh: fresh ?? false } });
    else found.set(conference, { parts: [...parts, { nodeId, incarnation, participants }], home });
  }
  return found;
}
