CREATE TABLE "conference_homes" (
	"conference" text NOT NULL,
	"groups" text NOT NULL,
	"node_id" text NOT NULL,
	"incarnation" text NOT NULL,
	"lived" boolean NOT NULL,
	"recovery_ids" text[] NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "conference_homes_conference_groups_pk" PRIMARY KEY("conference","groups")
);
--> statement-breakpoint
CREATE INDEX "bridges_of_conference" ON "bridges" USING btree ("bridge_id") WHERE "bridges"."gone_at" is null;--> statement-breakpoint
CREATE INDEX "bridges_by_name" ON "bridges" USING btree ("name") WHERE "bridges"."gone_at" is null and "bridges"."name" <> '';