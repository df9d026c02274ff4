-- One row per recovery that had to wait for another source of dialogs, or whose sources did not say the same.
create view audit_sources as
select r.recovery_id,
       r.call_id,
       r.node_id,
       r.incarnation,
       coalesce(r.outcome, 'under way') as outcome,
       r.reason,
       planned.waited_for,
       planned.waited_ms,
       noted.disagreements,
       r.detected_at,
       r.planned_at
from recoveries as r
join lateral (
  select e.data #>> '{waitedFor,source}' as waited_for, (e.data #>> '{waitedFor,ms}')::bigint as waited_ms
  from events as e
  where e.stream_id = 'recovery-' || r.recovery_id and e.type = 'RecoveryPlanned'
) as planned on true
cross join lateral (
  select coalesce(
           jsonb_agg(
             jsonb_build_object(
               'leg', e.data ->> 'legId',
               'sipCallId', e.data ->> 'sipCallId',
               'fields', e.data -> 'fields',
               'unsure', e.data -> 'unsure'
             ) order by e.version
           ),
           '[]'
         ) as disagreements
  from events as e
  where e.stream_id = 'recovery-' || r.recovery_id and e.type = 'DialogSourcesDisagreed'
) as noted
where planned.waited_for is not null or noted.disagreements <> '[]';
