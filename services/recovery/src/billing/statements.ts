import { sql, type SQL } from 'drizzle-orm';

/** Stands for every statement below: what counts as one channel's end, with moments in seconds since the Unix epoch. */
type Ended = SQL;

const seconds = (column: string): SQL => sql.raw(`extract(epoch from ${column})::float8`);

/**
 * A leg that another one has dialled is in that one's record, as Asterisk has it; save where it has outlived that one, as after a
 * transfer. They do not end in the same moment.
 */
const standsAlone = sql.raw(`not exists (
    select from legs as dialler where dialler.node_id = l.node_id and dialler.incarnation = l.incarnation
      and dialler.channel_id = l.dialed_by
      and (dialler.gone_at is null or dialler.gone_at > l.gone_at - interval '5 s'))`);

/** Where the agent was away when the phone answered, Asterisk's own event knows better. */
const answered = sql.raw(`coalesce(
    (select min(cel.eventtime) from cel where cel.uniqueid = l.channel_id and cel.eventtype = 'ANSWER'),
    extract(epoch from coalesce(l.answered_at, case when l.state = 'Up' then l.observed_at end))::float8)`);

/**
 * Adds the records of channels that their Asterisk has written none of. What is there already stays, whoever wrote it; so it may be
 * run any number of times. The other party of a record is the leg that its channel dialled, else the one other leg in its bridge.
 */
const insertRecords = (ended: Ended): SQL => sql`
  insert into cdr (node_id, written_by, clid, src, dst, dcontext, channel, dstchannel, lastapp, lastdata, start, answer, "end",
    duration, billsec, disposition, amaflags, accountcode, uniqueid, linkedid, reinvite_linkedid, recovery_id)
  with ended as materialized (
    select node_id, incarnation, channel_id, started, answered, recovery_id, linked_id, greatest(ended, answered, started) as ended
    from (${ended}) as found
    where not exists (select from cdr where cdr.uniqueid = found.channel_id)
  ), peers as (
    select distinct on (node_id, incarnation, channel_id) node_id, incarnation, channel_id, channel_name
    from (
      select e.node_id, e.incarnation, e.channel_id, other.channel_name, other.created_at
      from ended as e
      join legs as other on other.node_id = e.node_id and other.incarnation = e.incarnation and other.dialed_by = e.channel_id
      union all
      select e.node_id, e.incarnation, e.channel_id, other.channel_name, '-infinity'
      from ended as e
      join bridges as b on b.node_id = e.node_id and b.incarnation = e.incarnation and cardinality(b.channel_ids) = 2
        and e.channel_id in (b.channel_ids[1], b.channel_ids[2])
      join legs as other on other.node_id = e.node_id and other.incarnation = e.incarnation
        and other.channel_id = case e.channel_id when b.channel_ids[1] then b.channel_ids[2] else b.channel_ids[1] end
    ) as all_peers
    order by node_id, incarnation, channel_id, created_at desc
  )
  select e.node_id, 'reinvite',
    case when l.caller ->> 'name' <> '' then format('"%s" <%s>', l.caller ->> 'name', l.caller ->> 'number')
         else l.caller ->> 'number' end,
    l.caller ->> 'number', l.dialplan ->> 'extension', l.dialplan ->> 'context', l.channel_name, peers.channel_name,
    l.dialplan ->> 'appName', l.dialplan ->> 'appData',
    e.started, e.answered, e.ended, trunc(e.ended - e.started)::int, coalesce(trunc(e.ended - e.answered)::int, 0),
    case when e.answered is null then 'NO ANSWER' else 'ANSWERED' end, 'DOCUMENTATION', l.account_code, e.channel_id,
    own.linked_id, own.linked_id, e.recovery_id
  from ended as e
  left join legs as l on l.node_id = e.node_id and l.incarnation = e.incarnation and l.channel_id = e.channel_id
  left join peers on peers.node_id = e.node_id and peers.incarnation = e.incarnation and peers.channel_id = e.channel_id
  cross join lateral (select coalesce(e.linked_id, l.linked_id, l.dialed_by, e.channel_id) as linked_id) as own
  on conflict (uniqueid) where written_by = 'reinvite' do nothing`;

/**
 * Records of what was alive when its node died, of every life whose plans were made that long ago (ms) and that may still have
 * some. They end with the death: when it was seen, or when the node had last been well before it was suspected.
 */
export const billDeaths = (settleMs: number): SQL =>
  insertRecords(sql`
    with due as (
      select n.node_id, n.incarnation, n.closed_at, least(down.at, (
          select min((s.data ->> 'at')::float8 - (s.data ->> 'forMs')::float8) / 1000
          from events as s
          where s.stream_id = 'node-' || n.node_id and s.type = 'NodeSuspected' and s.data ->> 'incarnation' = n.incarnation
            and not exists (
              select from events as cleared
              where cleared.stream_id = s.stream_id and cleared.type = 'NodeCleared' and cleared.version > s.version
                and cleared.data ->> 'incarnation' = n.incarnation)
        )) as died
      from node_incarnations as n
      cross join lateral (
        select coalesce(min((e.data ->> 'at')::float8) / 1000, ${seconds('n.closed_at')}) as at
        from events as e
        where e.stream_id = 'node-' || n.node_id and e.type = 'NodeDown' and e.data ->> 'incarnation' = n.incarnation
      ) as down
      where n.closed_at < now() - ${settleMs} * interval '1 ms' and n.billed_at is null
    ), planned as (
      select distinct on (r.node_id, r.incarnation, leg.leg_id) r.node_id, r.incarnation, leg.leg_id, r.recovery_id,
        plan.data ->> 'linkedId' as linked_id
      from due
      join recoveries as r on r.node_id = due.node_id and r.incarnation = due.incarnation
      join recovery_legs as leg on leg.recovery_id = r.recovery_id
      left join events as plan on plan.stream_id = 'recovery-' || r.recovery_id and plan.version = 1
    )
    select l.node_id, l.incarnation, l.channel_id, ${seconds('l.created_at')} as started, ${answered} as answered,
      due.died as ended, coalesce(planned.recovery_id, '') as recovery_id, planned.linked_id
    from due
    join legs as l on l.node_id = due.node_id and l.incarnation = due.incarnation and l.gone_at >= due.closed_at
    left join planned on planned.node_id = l.node_id and planned.incarnation = l.incarnation and planned.leg_id = l.channel_id
    where ${standsAlone}
    union all
    -- What had come back there, and of which the node's agent could not tell any more.
    select due.node_id, due.incarnation, leg.channel_id, ${seconds('leg.originated_at')}, ${seconds('leg.answered_at')},
      due.died, coalesce(planned.recovery_id, ''), coalesce(planned.linked_id, plan.data ->> 'linkedId')
    from due
    join recoveries as r on r.target = due.node_id and r.target_incarnation = due.incarnation
    join recovery_legs as leg on leg.recovery_id = r.recovery_id and leg.target = r.target
    left join events as plan on plan.stream_id = 'recovery-' || r.recovery_id and plan.version = 1
    left join planned on planned.node_id = due.node_id and planned.incarnation = due.incarnation
      and planned.leg_id = leg.channel_id
    where leg.originated_at is not null and leg.answered_at > due.closed_at - interval '1 day' and not exists (
      select from legs as told where told.node_id = due.node_id and told.incarnation = due.incarnation
        and told.channel_id = leg.channel_id)`);

/** Lives that died so long ago (ms) that no call record of them comes any more. */
export const closeBills = (afterMs: number): SQL => sql`
  update node_incarnations set billed_at = now()
  where billed_at is null and closed_at < now() - ${afterMs} * interval '1 ms'`;

/** Records of answered channels that ended by themselves so long ago (ms), and that their Asterisk has not written. */
export const billMissing = (afterMs: number): SQL =>
  insertRecords(sql`
    select l.node_id, l.incarnation, l.channel_id, ${seconds('l.created_at')} as started, ${answered} as answered,
      ${seconds('l.gone_at')} as ended, null as recovery_id, null as linked_id
    from legs as l
    left join node_incarnations as n on n.node_id = l.node_id and n.incarnation = l.incarnation
    where l.gone_at < now() - ${afterMs} * interval '1 ms' and l.answered_at is not null
      and (n.closed_at is null or l.gone_at < n.closed_at) and ${standsAlone}`);
