ALTER TABLE "dialogs" ADD COLUMN "local_session" jsonb;--> statement-breakpoint
ALTER TABLE "dialogs" ADD COLUMN "remote_session" jsonb;--> statement-breakpoint
ALTER TABLE "dialogs" ADD COLUMN "session_timer" jsonb;