CREATE INDEX "events_restraint" ON "events" USING btree ("type","stream_id") WHERE "events"."type" in ('RecoveryHeld', 'NodeFlapping');--> statement-breakpoint
-- Recovery is on from the beginning. The row in `streams` is what plans hold a share lock on while they are recorded, so that none is
-- recorded any more once a stop is.
select append_events(
  '[{"stream": "control", "expected": 0, "count": 1}]',
  jsonb_build_array(
    jsonb_build_object(
      'stream', 'control',
      'version', 1,
      'id', '00000000-0000-8000-a000-000000000001',
      'type', 'RecoveryResumed',
      'schema', 1,
      'data', jsonb_build_object(
        'requestedBy', 'reinvite migrate',
        'reason', 'installed',
        'at', round(extract(epoch from clock_timestamp()) * 1000)
      ),
      'metadata', jsonb_build_object()
    )
  ),
  '[]'
);
--> statement-breakpoint
-- What held recovery back as a whole: stops, mass failures, and who let it go on.
create view audit_control as
select event_time(e.data, e.recorded_at) as at,
       e.type as event,
       e.data ->> 'requestedBy' as requested_by,
       e.data ->> 'reason' as reason,
       e.data ->> 'incidentId' as incident_id,
       e.data -> 'dead' as dead,
       (e.data ->> 'nodes')::integer as nodes,
       e.recorded_at
from events as e
where e.stream_id = 'control'
order by e.version;
--> statement-breakpoint
-- Nodes that died so often that they got no recovered calls.
create view audit_flapping as
select e.data ->> 'nodeId' as node_id,
       e.data ->> 'incarnation' as incarnation,
       event_time(e.data, e.recorded_at) as at,
       jsonb_array_length(e.data -> 'crashes') as crashes,
       to_timestamp((e.data ->> 'until')::double precision / 1000) as until,
       e.recorded_at
from events as e
where e.type = 'NodeFlapping';
--> statement-breakpoint
-- Calls that were held for an operator, and those that a limit kept from being recovered once more.
create view audit_quarantine as
select r.call_id,
       r.recovery_id,
       r.node_id,
       r.incarnation,
       coalesce(held.reason, r.reason) as reason,
       held.at as held_at,
       held.until,
       released.at as released_at,
       released.requested_by as released_by,
       released.reason as release_reason,
       coalesce(r.outcome, case when held.at is not null and released.at is null then 'held' else 'under way' end) as outcome,
       r.target,
       r.completed_at
from recoveries as r
left join lateral (
  select event_time(e.data, e.recorded_at) as at,
         e.data ->> 'reason' as reason,
         to_timestamp((e.data ->> 'until')::double precision / 1000) as until
  from events as e
  where e.stream_id = 'recovery-' || r.recovery_id and e.type = 'RecoveryHeld'
) as held on true
left join lateral (
  select event_time(e.data, e.recorded_at) as at, e.data ->> 'requestedBy' as requested_by, e.data ->> 'reason' as reason
  from events as e
  where e.stream_id = 'recovery-' || r.recovery_id and e.type = 'HoldReleased'
) as released on true
where held.at is not null or r.reason in ('call-crashes-nodes', 'recovered-too-often');
