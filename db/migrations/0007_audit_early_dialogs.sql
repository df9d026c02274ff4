-- As before, and with what became of the INVITEs that the dead node had left ringing.
create or replace view audit_timeline as
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
join events as e on e.stream_id in ('recovery-' || r.recovery_id, 'early-' || r.recovery_id)
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
