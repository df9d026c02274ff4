CREATE TABLE "bridges" (
	"node_id" text NOT NULL,
	"incarnation" text NOT NULL,
	"bridge_id" text NOT NULL,
	"bridge_type" text NOT NULL,
	"bridge_class" text NOT NULL,
	"creator" text NOT NULL,
	"name" text NOT NULL,
	"channel_ids" text[] NOT NULL,
	"observed_at" timestamp (3) with time zone NOT NULL,
	"fact_seq" bigint NOT NULL,
	"gone_at" timestamp (3) with time zone,
	CONSTRAINT "bridges_node_id_incarnation_bridge_id_pk" PRIMARY KEY("node_id","incarnation","bridge_id")
);
--> statement-breakpoint
CREATE TABLE "legs" (
	"node_id" text NOT NULL,
	"incarnation" text NOT NULL,
	"channel_id" text NOT NULL,
	"channel_name" text NOT NULL,
	"endpoint" text NOT NULL,
	"sip_call_id" text NOT NULL,
	"state" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"caller" jsonb NOT NULL,
	"account_code" text NOT NULL,
	"language" text NOT NULL,
	"dialplan" jsonb NOT NULL,
	"stasis_app" text,
	"dialed_by" text,
	"observed_at" timestamp (3) with time zone NOT NULL,
	"fact_seq" bigint NOT NULL,
	"gone_at" timestamp (3) with time zone,
	"cause" integer,
	CONSTRAINT "legs_node_id_incarnation_channel_id_pk" PRIMARY KEY("node_id","incarnation","channel_id")
);
--> statement-breakpoint
CREATE TABLE "node_incarnations" (
	"node_id" text NOT NULL,
	"incarnation" text NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"syncing_seq" bigint,
	"synced_at" timestamp (3) with time zone,
	"closed_at" timestamp (3) with time zone,
	CONSTRAINT "node_incarnations_node_id_incarnation_pk" PRIMARY KEY("node_id","incarnation")
);
--> statement-breakpoint
CREATE TABLE "dialogs" (
	"call_id" text NOT NULL,
	"local_tag" text NOT NULL,
	"remote_tag" text NOT NULL,
	"role" text NOT NULL,
	"state" text NOT NULL,
	"node_id" text NOT NULL,
	"local_display_name" text NOT NULL,
	"local_uri" text NOT NULL,
	"remote_display_name" text NOT NULL,
	"remote_uri" text NOT NULL,
	"local_cseq" bigint NOT NULL,
	"remote_cseq" bigint NOT NULL,
	"route_set" text[] NOT NULL,
	"remote_target" text,
	"local_contact" text,
	"transport" text NOT NULL,
	"digest_challenged" boolean NOT NULL,
	"unsure" text[] NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"confirmed_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"evidence" jsonb NOT NULL,
	CONSTRAINT "dialogs_call_id_local_tag_remote_tag_pk" PRIMARY KEY("call_id","local_tag","remote_tag")
);
--> statement-breakpoint
CREATE TABLE "checkpoints" (
	"name" text PRIMARY KEY NOT NULL,
	"position" bigint DEFAULT 0 NOT NULL,
	"transaction_id" "xid8" DEFAULT '0'::xid8 NOT NULL,
	"source" text DEFAULT '' NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "events" (
	"position" bigserial PRIMARY KEY NOT NULL,
	"event_id" uuid NOT NULL,
	"stream_id" text NOT NULL,
	"version" integer NOT NULL,
	"type" text NOT NULL,
	"schema_version" integer NOT NULL,
	"data" jsonb NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"transaction_id" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "events_event_id_unique" UNIQUE("event_id"),
	CONSTRAINT "events_stream_version" UNIQUE("stream_id","version")
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"message_id" text NOT NULL,
	"subject" text NOT NULL,
	"message" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"published_at" timestamp (3) with time zone,
	CONSTRAINT "outbox_message_id_unique" UNIQUE("message_id")
);
--> statement-breakpoint
CREATE TABLE "streams" (
	"stream_id" text PRIMARY KEY NOT NULL,
	"version" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "deadlines" (
	"id" text PRIMARY KEY NOT NULL,
	"recovery_id" text NOT NULL,
	"kind" text NOT NULL,
	"payload" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"due_at" timestamp (3) with time zone NOT NULL,
	"done_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "recoveries" (
	"recovery_id" text PRIMARY KEY NOT NULL,
	"call_id" text NOT NULL,
	"node_id" text NOT NULL,
	"incarnation" text NOT NULL,
	"trigger" text NOT NULL,
	"request_key" text,
	"call_kind" text NOT NULL,
	"target" text,
	"target_incarnation" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"outcome" text,
	"reason" text,
	"detected_at" timestamp (3) with time zone NOT NULL,
	"planned_at" timestamp (3) with time zone NOT NULL,
	"first_originated_at" timestamp (3) with time zone,
	"answered_at" timestamp (3) with time zone,
	"joined_at" timestamp (3) with time zone,
	"completed_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "recovery_legs" (
	"recovery_id" text NOT NULL,
	"leg_id" text NOT NULL,
	"attempt" integer NOT NULL,
	"call_id" text NOT NULL,
	"channel_id" text,
	"target" text,
	"endpoint" text NOT NULL,
	"sip_call_id" text NOT NULL,
	"cseq" integer,
	"origin" jsonb,
	"outcome" text,
	"reason" text,
	"planned_at" timestamp (3) with time zone NOT NULL,
	"originated_at" timestamp (3) with time zone,
	"answered_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "recovery_legs_recovery_id_leg_id_attempt_pk" PRIMARY KEY("recovery_id","leg_id","attempt")
);
--> statement-breakpoint
CREATE TABLE "recovery_requests" (
	"idempotency_key" text PRIMARY KEY NOT NULL,
	"request" jsonb NOT NULL,
	"reply" jsonb,
	"requested_by" text NOT NULL,
	"dry_run" boolean NOT NULL,
	"received_at" timestamp (3) with time zone NOT NULL,
	"replied_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE INDEX "bridges_live" ON "bridges" USING btree ("node_id","incarnation") WHERE "bridges"."gone_at" is null;--> statement-breakpoint
CREATE INDEX "bridges_gone" ON "bridges" USING btree ("gone_at") WHERE "bridges"."gone_at" is not null;--> statement-breakpoint
CREATE INDEX "legs_live" ON "legs" USING btree ("node_id","incarnation") WHERE "legs"."gone_at" is null;--> statement-breakpoint
CREATE INDEX "legs_sip_call_id" ON "legs" USING btree ("sip_call_id") WHERE "legs"."gone_at" is null;--> statement-breakpoint
CREATE INDEX "legs_gone" ON "legs" USING btree ("gone_at") WHERE "legs"."gone_at" is not null;--> statement-breakpoint
CREATE INDEX "events_commit_order" ON "events" USING btree ("transaction_id","position");--> statement-breakpoint
CREATE INDEX "events_node_down" ON "events" USING btree ("stream_id") WHERE "events"."type" = 'NodeDown';--> statement-breakpoint
CREATE INDEX "outbox_pending" ON "outbox" USING btree ("id") WHERE "outbox"."published_at" is null;--> statement-breakpoint
CREATE INDEX "outbox_published" ON "outbox" USING btree ("published_at") WHERE "outbox"."published_at" is not null;--> statement-breakpoint
CREATE INDEX "deadlines_pending" ON "deadlines" USING btree ("due_at") WHERE "deadlines"."done_at" is null;--> statement-breakpoint
CREATE INDEX "deadlines_recovery" ON "deadlines" USING btree ("recovery_id");--> statement-breakpoint
CREATE INDEX "recoveries_call" ON "recoveries" USING btree ("call_id");--> statement-breakpoint
CREATE INDEX "recoveries_incarnation" ON "recoveries" USING btree ("node_id","incarnation");--> statement-breakpoint
CREATE INDEX "recoveries_open" ON "recoveries" USING btree ("planned_at") WHERE "recoveries"."outcome" is null;--> statement-breakpoint
CREATE INDEX "recovery_legs_channel" ON "recovery_legs" USING btree ("channel_id") WHERE "recovery_legs"."channel_id" is not null;--> statement-breakpoint
CREATE INDEX "recovery_legs_sip_call_id" ON "recovery_legs" USING btree ("sip_call_id");