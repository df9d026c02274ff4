import { sql } from 'drizzle-orm';
import { boolean, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment } from './columns.js';

/** One row per recovery: one call's way back after one incarnation's death. Written in the transaction of its events. */
export const recoveries = pgTable(
  'recoveries',
  {
    recoveryId: text('recovery_id').primaryKey(),
    callId: text('call_id').notNull(),
    nodeId: text('node_id').notNull(),
    incarnation: text('incarnation').notNull(),
    trigger: text('trigger', { enum: ['node-down', 'request'] }).notNull(),
    /** Idempotency key of the request that asked for it, null for a crash. */
    requestKey: text('request_key'),
    /** Shape of the call: `stasis`, `ari-bridge`, `dial`, `dialplan`. */
    callKind: text('call_kind').notNull(),
    /** Node that the call goes to, or went to last; null where there is none. */
    target: text('target'),
    targetIncarnation: text('target_incarnation'),
    attempts: integer('attempts').notNull().default(0),
    /** Null while it is under way. */
    outcome: text('outcome', { enum: ['recovered', 'partly-recovered', 'failed', 'skipped'] }),
    /** Coded reason of every outcome but `recovered`. */
    reason: text('reason'),
    /** When the evidence of the death was seen. */
    detectedAt: moment('detected_at').notNull(),
    plannedAt: moment('planned_at').notNull(),
    firstOriginatedAt: moment('first_originated_at'),
    /** When the last leg that was recovered had been answered. */
    answeredAt: moment('answered_at'),
    joinedAt: moment('joined_at'),
    completedAt: moment('completed_at'),
  },
  (t) => [
    index('recoveries_call').on(t.callId),
    index('recoveries_incarnation').on(t.nodeId, t.incarnation),
    index('recoveries_target').on(t.target, t.targetIncarnation),
    index('recoveries_open')
      .on(t.plannedAt)
      .where(sql`${t.outcome} is null`),
  ],
);

/** One row per attempt at one leg; attempt 0 is a leg that was skipped. */
export const recoveryLegs = pgTable(
  'recovery_legs',
  {
    recoveryId: text('recovery_id').notNull(),
    legId: text('leg_id').notNull(),
    attempt: integer('attempt').notNull(),
    callId: text('call_id').notNull(),
    /** ARI channel id of the replacement: by it a call that crashes again keeps its call id. Null for a skipped leg. */
    channelId: text('channel_id'),
    target: text('target'),
    endpoint: text('endpoint').notNull(),
    sipCallId: text('sip_call_id').notNull(),
    /** CSeq that the re-INVITE was to carry. */
    cseq: integer('cseq'),
    /**
     * What the next crash of this call must remember of the leg: where it stood in the dialplan or its application before the
     * first crash, and its part in the call. The planner's own shape.
     */
    origin: jsonb('origin').$type<unknown>(),
    outcome: text('outcome', { enum: ['recovered', 'failed', 'skipped'] }),
    reason: text('reason'),
    plannedAt: moment('planned_at').notNull(),
    originatedAt: moment('originated_at'),
    answeredAt: moment('answered_at'),
    endedAt: moment('ended_at'),
  },
  (t) => [
    primaryKey({ columns: [t.recoveryId, t.legId, t.attempt] }),
    index('recovery_legs_channel')
      .on(t.channelId)
      .where(sql`${t.channelId} is not null`),
    index('recovery_legs_leg').on(t.legId),
    index('recovery_legs_sip_call_id').on(t.sipCallId),
  ],
);

/** Recovery requests by their key, with the answer that a repeated request gets again. */
export const recoveryRequests = pgTable('recovery_requests', {
  idempotencyKey: text('idempotency_key').primaryKey(),
  request: jsonb('request').$type<unknown>().notNull(),
  /** Null while it is worked on. */
  reply: jsonb('reply').$type<unknown>(),
  requestedBy: text('requested_by').notNull(),
  dryRun: boolean('dry_run').notNull(),
  receivedAt: moment('received_at').notNull(),
  repliedAt: moment('replied_at'),
});

/** Timers as rows: they outlive the process that set them. */
export const deadlines = pgTable(
  'deadlines',
  {
    /** Chosen by who sets it, so that setting it twice sets it once. */
    id: text('id').primaryKey(),
    recoveryId: text('recovery_id').notNull(),
    kind: text('kind').notNull(),
    /** What its handler needs, such as the attempt. */
    payload: jsonb('payload').$type<unknown>().notNull().default({}),
    dueAt: moment('due_at').notNull(),
    /** When it was handled, or no longer needed. */
    doneAt: moment('done_at'),
  },
  (t) => [
    index('deadlines_pending')
      .on(t.dueAt)
      .where(sql`${t.doneAt} is null`),
    index('deadlines_recovery').on(t.recoveryId),
  ],
);
