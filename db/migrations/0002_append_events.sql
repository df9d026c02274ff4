-- Appends to many streams in one round trip. What is in conflict is left out, the rest goes in.
--
-- appends:  [{stream, expected, count}, …], each stream once
-- new_events: [{stream, version, id, type, schema, data, metadata}, …]
-- messages: [{stream, id, subject, message}, …]
--
-- Returns one row per stream: 'appended'; 'repeated' when these very events (by id) already follow the expected version, as after
-- a commit whose answer got lost; or 'conflict'. `version` is the stream's version afterwards.
--
-- Concurrent appends to one stream queue up at its row in `streams`. Rows are taken in the order of the stream ids, new streams
-- before existing ones, so that two batches never wait for each other crosswise.
create function append_events(appends jsonb, new_events jsonb, messages jsonb)
returns table (stream_id text, status text, version integer)
language plpgsql
as $$
#variable_conflict use_column
declare
  asked integer;
  created text[];
  grown text[];
  accepted text[];
begin
  select count(*) into asked from jsonb_array_elements(appends);

  with inserted as (
    insert into streams (stream_id, version)
    select a.stream, a.count
    from jsonb_to_recordset(appends) as a (stream text, expected integer, count integer)
    where a.expected = 0
    order by a.stream
    on conflict do nothing
    returning streams.stream_id
  )
  select coalesce(array_agg(inserted.stream_id), '{}') into created from inserted;

  if cardinality(created) < asked then
    perform from streams
    join jsonb_to_recordset(appends) as a (stream text, expected integer) on streams.stream_id = a.stream and a.expected > 0
    order by streams.stream_id
    for update of streams;

    with updated as (
      update streams
      set version = a.expected + a.count
      from jsonb_to_recordset(appends) as a (stream text, expected integer, count integer)
      where streams.stream_id = a.stream and a.expected > 0 and streams.version = a.expected
      returning streams.stream_id
    )
    select coalesce(array_agg(updated.stream_id), '{}') into grown from updated;
  end if;
  accepted := created || grown;

  insert into events (event_id, stream_id, version, type, schema_version, data, metadata)
  select e.id, e.stream, e.version, e.type, e.schema, e.data, e.metadata
  from jsonb_to_recordset(new_events)
    as e (stream text, version integer, id uuid, type text, schema integer, data jsonb, metadata jsonb)
  where cardinality(accepted) = asked or e.stream in (select unnest(accepted));

  insert into outbox (message_id, subject, message)
  select m.id, m.subject, m.message
  from jsonb_to_recordset(messages) as m (stream text, id text, subject text, message jsonb)
  where cardinality(accepted) = asked or m.stream in (select unnest(accepted))
  on conflict do nothing;

  if cardinality(accepted) = asked then
    return query
    select a.stream, 'appended', a.expected + a.count
    from jsonb_to_recordset(appends) as a (stream text, expected integer, count integer);
    return;
  end if;

  return query
  with there as (
    select e.stream, count(*) as count
    from jsonb_to_recordset(new_events) as e (stream text, version integer, id uuid)
    join events on events.event_id = e.id and events.stream_id = e.stream and events.version = e.version
    group by e.stream
  )
  select a.stream,
         case
           when a.stream = any (accepted) then 'appended'
           when there.count = a.count then 'repeated'
           else 'conflict'
         end,
         coalesce(streams.version, 0)
  from jsonb_to_recordset(appends) as a (stream text, expected integer, count integer)
  left join there on there.stream = a.stream
  left join streams on streams.stream_id = a.stream;
end
$$;
