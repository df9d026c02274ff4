-- When an event happened: its own `at` (epoch ms) where it has one, else when it was recorded.
create function event_time(data jsonb, recorded_at timestamptz)
returns timestamptz
language sql
stable
return case when jsonb_typeof(data -> 'at') = 'number' then to_timestamp((data ->> 'at')::double precision / 1000) else recorded_at end;
--> statement-breakpoint
create function ms_between(earlier timestamptz, later timestamptz)
returns bigint
language sql
immutable
return round(extract(epoch from later - earlier) * 1000);
--> statement-breakpoint
-- One row per recovery. The milliseconds count from the evidence of the death.
create view audit_recoveries as
select r.recovery_id,
       r.call_id,
       r.node_id,
       r.incarnation,
       r.trigger,
       r.request_key,
       r.call_kind,
       coalesce(r.outcome, 'under way') as outcome,
       r.reason,
       r.target,
       r.attempts,
       l.legs_total,
       l.legs_recovered,
       l.legs,
       r.detected_at,
       r.planned_at,
       r.first_originated_at as first_reinvite_at,
       r.answered_at,
       r.joined_at,
       r.completed_at,
       ms_between(r.detected_at, r.planned_at) as planned_ms,
       ms_between(r.detected_at, r.first_originated_at) as first_reinvite_ms,
       ms_between(r.detected_at, r.answered_at) as answered_ms,
       ms_between(r.detected_at, r.completed_at) as completed_ms
from recoveries as r
cross join lateral (
  select count(*) as legs_total,
         count(*) filter (where last.outcome = 'recovered') as legs_recovered,
         coalesce(
           jsonb_agg(
             jsonb_build_object(
               'leg', last.leg_id,
               'endpoint', last.endpoint,
               'sipCallId', last.sip_call_id,
               'cseq', last.cseq,
               'attempt', last.attempt,
               'target', last.target,
               'channelId', last.channel_id,
               'outcome', last.outcome,
               'reason', last.reason
             ) order by last.leg_id
           ),
           '[]'
         ) as legs
  from (
    select distinct on (leg_id) * from recovery_legs where recovery_legs.recovery_id = r.recovery_id order by leg_id, attempt desc
  ) as last
) as l;
--> statement-breakpoint
-- Every event of a call in order: those of its recoveries, and those of the nodes whose deaths they answer.
create view audit_timeline as
select event_time(e.data, e.recorded_at) as at,
       r.call_id,
       r.recovery_id,
       r.node_id,
       r.incarnation,
       e.type as event,
       e.data as details,
       e.recorded_at,
       e.position
from recoveries as r
join events as e on e.stream_id = 'recovery-' || r.recovery_id
union all
select event_time(e.data, e.recorded_at),
       r.call_id,
       r.recovery_id,
       r.node_id,
       r.incarnation,
       e.type,
       e.data,
       e.recorded_at,
       e.position
from recoveries as r
join events as e on e.stream_id = 'node-' || r.node_id and e.data ->> 'incarnation' = r.incarnation
order by at, position;
--> statement-breakpoint
-- One row per death of an Asterisk: what was seen, and what became of its calls.
create view audit_nodes as
select down.data ->> 'nodeId' as node_id,
       down.data ->> 'incarnation' as incarnation,
       before.suspected_at,
       before.fenced_at,
       event_time(down.data, down.recorded_at) as down_at,
       down.recorded_at,
       down.data ->> 'evidence' as evidence,
       ms_between(before.suspected_at, event_time(down.data, down.recorded_at)) as suspected_ms,
       calls.total as calls,
       calls.recovered,
       calls.partly_recovered,
       calls.failed,
       calls.skipped,
       calls.under_way,
       calls.last_completed_at
from events as down
cross join lateral (
  select max(event_time(e.data, e.recorded_at)) filter (where e.type = 'NodeSuspected') as suspected_at,
         max(event_time(e.data, e.recorded_at)) filter (where e.type = 'NodeFenced') as fenced_at
  from events as e
  where e.stream_id = down.stream_id
    and e.version < down.version
    and e.data ->> 'incarnation' = down.data ->> 'incarnation'
) as before
cross join lateral (
  select count(*) as total,
         count(*) filter (where r.outcome = 'recovered') as recovered,
         count(*) filter (where r.outcome = 'partly-recovered') as partly_recovered,
         count(*) filter (where r.outcome = 'failed') as failed,
         count(*) filter (where r.outcome = 'skipped') as skipped,
         count(*) filter (where r.outcome is null) as under_way,
         max(r.completed_at) as last_completed_at
  from recoveries as r
  where r.node_id = down.data ->> 'nodeId' and r.incarnation = down.data ->> 'incarnation'
) as calls
where down.type = 'NodeDown';
