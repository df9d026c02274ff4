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
