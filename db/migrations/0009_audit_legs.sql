-- The audit's reader sees views alone: these two are the tables that its questions need as well.
CREATE VIEW audit_legs AS
SELECT recovery_id, call_id, leg_id, attempt, sip_call_id, channel_id, target, endpoint, cseq, outcome, reason,
       planned_at, originated_at, answered_at, ended_at
FROM recovery_legs;
--> statement-breakpoint
CREATE VIEW audit_requests AS
SELECT received_at, requested_by, dry_run, idempotency_key, request, reply, replied_at
FROM recovery_requests;
