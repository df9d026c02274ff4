CREATE TABLE "call_flow_effects" (
	"sip_call_id" text NOT NULL,
	"key" text NOT NULL,
	"claim" text NOT NULL,
	"begun_at" timestamp (3) with time zone NOT NULL,
	"result" text,
	"done_at" timestamp (3) with time zone,
	CONSTRAINT "call_flow_effects_sip_call_id_key_pk" PRIMARY KEY("sip_call_id","key")
);
--> statement-breakpoint
CREATE TABLE "call_flows" (
	"sip_call_id" text PRIMARY KEY NOT NULL,
	"version" integer NOT NULL,
	"state" text NOT NULL,
	"put_id" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cdr" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"node_id" text DEFAULT current_setting('application_name') NOT NULL,
	"written_by" text DEFAULT 'asterisk' NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"clid" text,
	"src" text,
	"dst" text,
	"dcontext" text,
	"channel" text,
	"dstchannel" text,
	"lastapp" text,
	"lastdata" text,
	"start" double precision,
	"answer" double precision,
	"end" double precision,
	"duration" integer,
	"billsec" integer,
	"disposition" text,
	"amaflags" text,
	"accountcode" text,
	"peeraccount" text,
	"uniqueid" text,
	"linkedid" text,
	"userfield" text,
	"sequence" integer,
	"reinvite_linkedid" text,
	"recovery_id" text,
	"call_linkedid" text GENERATED ALWAYS AS (coalesce(nullif(reinvite_linkedid, ''), linkedid)) STORED,
	"started_at" timestamp (3) with time zone GENERATED ALWAYS AS (to_timestamp("start")) STORED,
	"answered_at" timestamp (3) with time zone GENERATED ALWAYS AS (to_timestamp("answer")) STORED,
	"ended_at" timestamp (3) with time zone GENERATED ALWAYS AS (to_timestamp("end")) STORED
);
--> statement-breakpoint
CREATE TABLE "cel" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"node_id" text DEFAULT current_setting('application_name') NOT NULL,
	"eventtype" text NOT NULL,
	"eventtime" double precision NOT NULL,
	"userdeftype" text,
	"cid_name" text,
	"cid_num" text,
	"cid_ani" text,
	"cid_rdnis" text,
	"cid_dnid" text,
	"exten" text,
	"context" text,
	"channame" text,
	"appname" text,
	"appdata" text,
	"accountcode" text,
	"peeraccount" text,
	"uniqueid" text,
	"linkedid" text,
	"amaflags" text,
	"userfield" text,
	"peer" text,
	"extra" text,
	"event_at" timestamp (3) with time zone GENERATED ALWAYS AS (to_timestamp("eventtime")) STORED
);
--> statement-breakpoint
ALTER TABLE "legs" ADD COLUMN "linked_id" text;--> statement-breakpoint
ALTER TABLE "legs" ADD COLUMN "answered_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "node_incarnations" ADD COLUMN "billed_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE UNIQUE INDEX "cdr_of_reinvite" ON "cdr" USING btree ("uniqueid") WHERE "cdr"."written_by" = 'reinvite';--> statement-breakpoint
CREATE INDEX "cdr_uniqueid" ON "cdr" USING btree ("uniqueid");--> statement-breakpoint
CREATE INDEX "cdr_call" ON "cdr" USING btree ("call_linkedid");--> statement-breakpoint
CREATE INDEX "cdr_started" ON "cdr" USING btree ("started_at");--> statement-breakpoint
CREATE INDEX "cel_uniqueid" ON "cel" USING btree ("uniqueid");--> statement-breakpoint
CREATE INDEX "cel_linkedid" ON "cel" USING btree ("linkedid");--> statement-breakpoint
CREATE INDEX "node_incarnations_unbilled" ON "node_incarnations" USING btree ("closed_at") WHERE "node_incarnations"."closed_at" is not null and "node_incarnations"."billed_at" is null;
--> statement-breakpoint
-- What a CDR is of: the recovery that made its channel, as `recoveryOfChannel` reads it; empty for a channel of the first node.
create function cdr_part(uniqueid text)
returns text
language sql
immutable
return coalesce(substring(uniqueid from '^reinvite-([0-9a-f]{20})-[0-9]+-[0-9]+$'), '');
--> statement-breakpoint
-- A channel that has come back gets the linkage of its call. The role that Asterisk has cannot look it up, so the owner does.
create function cdr_linkage()
returns trigger
language plpgsql
security definer
set search_path = public, pg_temp
as $$
begin
  if new.reinvite_linkedid is null and cdr_part(new.uniqueid) <> '' then
    select data ->> 'linkedId' into new.reinvite_linkedid
    from events
    where stream_id = 'recovery-' || cdr_part(new.uniqueid) and version = 1;
  end if;
  return new;
end
$$;
--> statement-breakpoint
revoke all on function cdr_linkage() from public;
--> statement-breakpoint
create trigger cdr_linkage before insert on cdr for each row execute function cdr_linkage();
--> statement-breakpoint
-- Every CDR that counts: of a channel that its own Asterisk wrote after all, Reinvite's row does not.
create view cdr_kept as
select cdr.*, cdr_part(cdr.uniqueid) as part
from cdr
where started_at is not null
  and (written_by = 'asterisk'
       or not exists (select from cdr as own where own.uniqueid = cdr.uniqueid and own.written_by = 'asterisk'));
--> statement-breakpoint
-- One row per call of a caller, however many nodes it has had. Nobody is billed for the time from a death until a phone of the
-- call had answered again: `talked` has holes there.
create view call_detail as
with parts as (
  select call_linkedid, part,
         (array_agg(node_id order by answered_at nulls last, started_at))[1] as node_id,
         min(started_at) as started_at,
         min(answered_at) as answered_at,
         coalesce(max(ended_at) filter (where answered_at is not null), max(ended_at)) as ended_at,
         range_agg(tstzrange(answered_at, ended_at)) filter (where answered_at < ended_at) as talked,
         count(*) as records,
         (array_agg(clid order by started_at, sequence nulls last, id))[1] as clid,
         (array_agg(src order by started_at, sequence nulls last, id))[1] as caller,
         (array_agg(dst order by started_at, sequence nulls last, id))[1] as callee,
         (array_agg(accountcode order by started_at, sequence nulls last, id))[1] as account,
         -- Channels that a node's death has ended, and that are back and live, or still may come back.
         count(*) filter (where written_by = 'reinvite' and recovery_id is not null and exists (
           select from recovery_legs as back
           join recoveries as r on r.recovery_id = back.recovery_id
           left join legs as live on live.node_id = r.target and live.incarnation = r.target_incarnation
             and live.channel_id = back.channel_id
           where back.recovery_id = cdr_kept.recovery_id and back.leg_id = cdr_kept.uniqueid
             and (r.outcome is null or back.outcome = 'recovered')
             and not exists (select from cdr as next where next.uniqueid = back.channel_id)
             -- Whose record is long overdue, of that nobody writes one.
             and (r.outcome is null
                  or live.channel_id is not null and coalesce(live.gone_at, 'infinity') > now() - interval '10 min'
                  or live.channel_id is null and back.answered_at > now() - interval '10 min'))) as under_way,
         max(ended_at) filter (where written_by = 'reinvite' and recovery_id is not null) as died_at
  from cdr_kept
  group by call_linkedid, part
), calls as (
  select call_linkedid,
         min(started_at) as started_at,
         min(answered_at) as answered_at,
         coalesce(max(ended_at) filter (where answered_at is not null), max(ended_at)) as ended_at,
         range_agg(talked) as talked,
         count(*) filter (where answered_at is not null) as parts,
         sum(records) as records,
         array_agg(node_id order by started_at) filter (where answered_at is not null or part = '') as nodes,
         (array_agg(clid order by started_at))[1] as clid,
         (array_agg(caller order by started_at))[1] as caller,
         (array_agg(callee order by started_at))[1] as callee,
         (array_agg(account order by started_at))[1] as account,
         sum(under_way) > 0 as is_under_way,
         max(died_at) as died_at
  from parts
  group by call_linkedid
)
select call_linkedid as linkedid,
       caller,
       callee,
       clid,
       account,
       started_at,
       answered_at,
       ended_at,
       ms_between(started_at, ended_at) - gaps.ms as duration_ms,
       gaps.billed_ms,
       gaps.ms as gap_ms,
       parts,
       nodes,
       records,
       case when is_under_way then 'under way'
            when answered_at is null then 'unanswered'
            when died_at >= ended_at then 'lost'
            else 'ended'
       end as outcome
from calls
cross join lateral (
  select coalesce(sum(ms_between(lower(one), upper(one))), 0)::bigint as billed_ms,
         (coalesce(ms_between(min(lower(one)), max(upper(one))), 0) - coalesce(sum(ms_between(lower(one), upper(one))), 0))::bigint as ms
  from unnest(talked) as one
) as gaps;
