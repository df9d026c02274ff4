CREATE TABLE "recordings" (
	"node_id" text NOT NULL,
	"incarnation" text NOT NULL,
	"target_id" text NOT NULL,
	"name" text NOT NULL,
	"recording" text NOT NULL,
	"part" integer DEFAULT 1 NOT NULL,
	"format" text NOT NULL,
	"kind" text DEFAULT 'ari' NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"cut" boolean DEFAULT false NOT NULL,
	"recovery_id" text,
	"call_id" text,
	CONSTRAINT "recordings_node_id_incarnation_target_id_name_pk" PRIMARY KEY("node_id","incarnation","target_id","name")
);
--> statement-breakpoint
ALTER TABLE "bridges" ADD COLUMN "activity" jsonb;--> statement-breakpoint
ALTER TABLE "legs" ADD COLUMN "activity" jsonb;--> statement-breakpoint
CREATE INDEX "recordings_recording" ON "recordings" USING btree ("recording");--> statement-breakpoint
CREATE INDEX "recordings_open" ON "recordings" USING btree ("node_id","incarnation") WHERE "recordings"."ended_at" is null;--> statement-breakpoint
-- Every part of every recording, in order, with the silence before it that nobody has on disk.
CREATE VIEW recording_parts AS
SELECT p.recording,
       p.part,
       p.name,
       p.format,
       p.kind,
       p.node_id,
       p.incarnation,
       p.target_id,
       p.call_id,
       p.recovery_id,
       p.started_at,
       p.ended_at,
       p.cut,
       CASE WHEN p.part > 1 THEN ms_between(lag(p.ended_at) OVER parts, p.started_at) END AS gap_ms
FROM recordings AS p
WINDOW parts AS (PARTITION BY p.recording, coalesce(p.call_id, p.incarnation || ' ' || p.target_id) ORDER BY p.part);
--> statement-breakpoint
-- What came back of what a leg or a bridge was doing, and what did not, with the reason of each.
CREATE VIEW audit_resumes AS
SELECT r.recovery_id,
       r.call_id,
       e.data ->> 'legId' AS leg_id,
       coalesce(e.data ->> 'channelId', e.data ->> 'bridgeId') AS target_id,
       e.data ->> 'target' AS target,
       (e.data ->> 'attempt')::int AS attempt,
       e.data -> 'restored' AS restored,
       e.data -> 'notRestored' AS not_restored,
       event_time(e.data, e.recorded_at) AS resumed_at
FROM recoveries AS r
JOIN events AS e ON e.stream_id = 'recovery-' || r.recovery_id AND e.type IN ('LegResumed', 'BridgeResumed');
