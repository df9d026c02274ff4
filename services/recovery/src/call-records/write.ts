import { toJsonb, type Database } from '@reinvite/db';
import { sql, type SQL } from 'drizzle-orm';
import type { CallRecordChanges } from './fold.js';

/** Writes the changes of a batch, at most one statement per table and kind. An older fact never overwrites a newer one. */
export async function writeChanges(tx: Database, changes: CallRecordChanges): Promise<void> {
  await write(tx, changes.legs, upsertLegs);
  await write(tx, changes.legEnds, endLegs);
  await write(tx, changes.bridges, upsertBridges);
  await write(tx, changes.bridgeEnds, endBridges);
  await write(tx, changes.recordings, keepRecordings);
  await write(tx, changes.sweeps, (rows) => sweep('legs', rows));
  await write(tx, changes.sweeps, (rows) => sweep('bridges', rows));
  await write(tx, changes.incarnations, upsertIncarnations);
}

async function write(tx: Database, rows: readonly unknown[], statement: (rows: SQL) => SQL): Promise<void> {
  if (rows.length > 0) await tx.execute(statement(sql`${toJsonb(rows)}::jsonb`));
}

/** When a leg or bridge went; at the latest when its incarnation was closed, whose facts may still come. */
const gone = sql.raw(`coalesce(to_timestamp(r."goneAt" / 1000.0), n.closed_at)`);
const incarnation = sql.raw(
  `left join node_incarnations as n on n.node_id = r."nodeId" and n.incarnation = r.incarnation`,
);

/** The moment that a number of epoch milliseconds means. */
const at = (column: string): SQL => sql.raw(`to_timestamp("${column}" / 1000.0)`);

const upsertLegs = (rows: SQL): SQL => sql`
  insert into legs (node_id, incarnation, channel_id, channel_name, endpoint, sip_call_id, state, created_at, caller,
    account_code, language, dialplan, stasis_app, dialed_by, observed_at, fact_seq, gone_at, cause, linked_id,
    answered_at, activity)
  select "nodeId", r.incarnation, "channelId", "channelName", endpoint, "sipCallId", state, ${at('createdAt')}, caller,
    "accountCode", language, dialplan, "stasisApp", "dialedBy", ${at('at')}, "factSeq", ${gone}, cause, "linkedId",
    ${at('answeredAt')}, activity
  from jsonb_to_recordset(${rows}) as r ("nodeId" text, incarnation text, "channelId" text, "channelName" text, endpoint text,
    "sipCallId" text, state text, "createdAt" bigint, caller jsonb, "accountCode" text, language text, dialplan jsonb,
    "stasisApp" text, "dialedBy" text, at bigint, "factSeq" bigint, "goneAt" bigint, cause integer, "linkedId" text,
    "answeredAt" bigint, activity jsonb)
  ${incarnation}
  on conflict (node_id, incarnation, channel_id) do update set
    channel_name = excluded.channel_name, endpoint = excluded.endpoint, sip_call_id = excluded.sip_call_id,
    state = excluded.state, created_at = excluded.created_at, caller = excluded.caller,
    account_code = excluded.account_code, language = excluded.language, dialplan = excluded.dialplan,
    stasis_app = excluded.stasis_app, dialed_by = excluded.dialed_by, observed_at = excluded.observed_at,
    fact_seq = excluded.fact_seq, gone_at = excluded.gone_at, cause = excluded.cause,
    linked_id = coalesce(excluded.linked_id, legs.linked_id),
    answered_at = coalesce(legs.answered_at, excluded.answered_at), activity = excluded.activity
  where legs.fact_seq < excluded.fact_seq`;

const endLegs = (rows: SQL): SQL => sql`
  update legs set gone_at = ${at('goneAt')}, cause = r.cause, fact_seq = r."factSeq"
  from jsonb_to_recordset(${rows}) as r ("nodeId" text, incarnation text, "channelId" text, "factSeq" bigint,
    "goneAt" bigint, cause integer)
  where legs.node_id = r."nodeId" and legs.incarnation = r.incarnation and legs.channel_id = r."channelId"
    and legs.fact_seq < r."factSeq"`;

const upsertBridges = (rows: SQL): SQL => sql`
  insert into bridges (node_id, incarnation, bridge_id, bridge_type, bridge_class, creator, name, channel_ids, observed_at,
    fact_seq, gone_at, activity)
  select "nodeId", r.incarnation, "bridgeId", "bridgeType", "bridgeClass", creator, name, "channelIds", ${at('at')},
    "factSeq", ${gone}, activity
  from jsonb_to_recordset(${rows}) as r ("nodeId" text, incarnation text, "bridgeId" text, "bridgeType" text,
    "bridgeClass" text, creator text, name text, "channelIds" text[], at bigint, "factSeq" bigint, "goneAt" bigint, activity jsonb)
  ${incarnation}
  on conflict (node_id, incarnation, bridge_id) do update set
    bridge_type = excluded.bridge_type, bridge_class = excluded.bridge_class, creator = excluded.creator,
    name = excluded.name, channel_ids = excluded.channel_ids, observed_at = excluded.observed_at,
    fact_seq = excluded.fact_seq, gone_at = excluded.gone_at, activity = excluded.activity
  where bridges.fact_seq < excluded.fact_seq`;

const endBridges = (rows: SQL): SQL => sql`
  update bridges set gone_at = ${at('goneAt')}, fact_seq = r."factSeq"
  from jsonb_to_recordset(${rows}) as r ("nodeId" text, incarnation text, "bridgeId" text, "factSeq" bigint, "goneAt" bigint)
  where bridges.node_id = r."nodeId" and bridges.incarnation = r.incarnation and bridges.bridge_id = r."bridgeId"
    and bridges.fact_seq < r."factSeq"`;

/** What is known of a recording's part already, because a recovery has begun it, is kept. */
const keepRecordings = (rows: SQL): SQL => sql`
  with now as (
    select r."nodeId", r.incarnation, r."targetId", ${at('at')} as at, r.recordings
    from jsonb_to_recordset(${rows}) as r ("nodeId" text, incarnation text, "targetId" text, recordings jsonb, at bigint)
  ), ended as (
    update recordings as t set ended_at = now.at
    from now
    where t.node_id = now."nodeId" and t.incarnation = now.incarnation and t.target_id = now."targetId" and t.ended_at is null
      and t.kind = 'ari'
      and not now.recordings @> jsonb_build_array(jsonb_build_object('name', t.name))
  )
  insert into recordings (node_id, incarnation, target_id, name, recording, format, started_at)
  select now."nodeId", now.incarnation, now."targetId", one.name, one.name, one.format, ${at('startedAt')}
  from now, jsonb_to_recordset(now.recordings) as one (name text, format text, "startedAt" bigint)
  on conflict (node_id, incarnation, target_id, name) do nothing`;

/** Comes before {@link upsertIncarnations}, which overwrites the stored `syncing_seq`. */
const sweep = (table: 'legs' | 'bridges', rows: SQL): SQL => sql`
  update ${sql.identifier(table)} as t set gone_at = ${at('at')}
  from jsonb_to_recordset(${rows}) as r ("nodeId" text, incarnation text, before text, at bigint)
  left join node_incarnations as n on n.node_id = r."nodeId" and n.incarnation = r.incarnation
  where t.node_id = r."nodeId" and t.incarnation = r.incarnation and t.gone_at is null
    and t.fact_seq < case when r.before = 'stored' then n.syncing_seq else r.before::bigint end`;

const upsertIncarnations = (rows: SQL): SQL => sql`
  insert into node_incarnations (node_id, incarnation, first_seen_at, syncing_seq, synced_at)
  select "nodeId", incarnation, ${at('firstSeenAt')}, "syncingSeq", ${at('syncedAt')}
  from jsonb_to_recordset(${rows}) as r ("nodeId" text, incarnation text, "firstSeenAt" bigint, "syncingSeq" bigint,
    "syncedAt" bigint)
  on conflict (node_id, incarnation) do update set
    syncing_seq = coalesce(excluded.syncing_seq, node_incarnations.syncing_seq),
    synced_at = coalesce(excluded.synced_at, node_incarnations.synced_at)`;
