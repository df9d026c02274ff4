-- Rows that are updated several times while they live: room on their page keeps an update from touching every index.
ALTER TABLE "dialogs" SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);--> statement-breakpoint
ALTER TABLE "legs" SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);--> statement-breakpoint
ALTER TABLE "bridges" SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);--> statement-breakpoint
ALTER TABLE "recoveries" SET (fillfactor = 70);--> statement-breakpoint
ALTER TABLE "recovery_legs" SET (fillfactor = 70);--> statement-breakpoint
ALTER TABLE "outbox" SET (autovacuum_vacuum_scale_factor = 0.02);
--> statement-breakpoint
-- Decisions and messages of a few kilobytes stay in their row: compressing them costs more than it saves on the way to the re-INVITE.
ALTER TABLE "events" SET (toast_tuple_target = 8160);--> statement-breakpoint
ALTER TABLE "outbox" SET (toast_tuple_target = 8160);
