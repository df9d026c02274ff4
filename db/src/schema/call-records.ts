import { sql } from 'drizzle-orm';
import { bigint, boolean, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment } from './columns.js';

/** One life of a node's Asterisk, as its agent reported it. */
export const nodeIncarnations = pgTable(
  'node_incarnations',
  {
    nodeId: text('node_id').notNull(),
    incarnation: text('incarnation').notNull(),
    firstSeenAt: moment('first_seen_at').notNull(),
    /** Sequence of the last `NodeSyncing`: what was last observed before it is gone once `NodeSynced` follows. */
    syncingSeq: bigint('syncing_seq', { mode: 'number' }),
    syncedAt: moment('synced_at'),
    /** When its death was acted on; its legs and bridges are gone from then on. */
    closedAt: moment('closed_at'),
    /** When the billing records of what died with it were complete; null while more may come. */
    billedAt: moment('billed_at'),
  },
  (t) => [
    primaryKey({ columns: [t.nodeId, t.incarnation] }),
    index('node_incarnations_unbilled')
      .on(t.closedAt)
      .where(sql`${t.closedAt} is not null and ${t.billedAt} is null`),
  ],
);

/** Every PJSIP channel as it was last observed. Live are those whose `gone_at` is null. */
export const legs = pgTable(
  'legs',
  {
    nodeId: text('node_id').notNull(),
    incarnation: text('incarnation').notNull(),
    channelId: text('channel_id').notNull(),
    channelName: text('channel_name').notNull(),
    endpoint: text('endpoint').notNull(),
    sipCallId: text('sip_call_id').notNull(),
    state: text('state').notNull(),
    createdAt: moment('created_at').notNull(),
    caller: jsonb('caller').$type<{ name: string; number: string }>().notNull(),
    accountCode: text('account_code').notNull(),
    language: text('language').notNull(),
    dialplan: jsonb('dialplan')
      .$type<{ context: string; extension: string; priority: number; appName: string; appData: string }>()
      .notNull(),
    stasisApp: text('stasis_app'),
    dialedBy: text('dialed_by'),
    /** Asterisk's `linkedid`, of the call's first incarnation on a channel that has come back; null where ARI does not tell it. */
    linkedId: text('linked_id'),
    /** When it was first observed to be up. */
    answeredAt: moment('answered_at'),
    /** What it was doing, as its agent told it; null where that was nothing. */
    activity: jsonb('activity').$type<unknown>(),
    observedAt: moment('observed_at').notNull(),
    /** JetStream sequence of the fact that this row shows; an older fact never overwrites it. */
    factSeq: bigint('fact_seq', { mode: 'number' }).notNull(),
    goneAt: moment('gone_at'),
    /** Q.850 cause, null while it lives and where nobody saw it go. */
    cause: integer('cause'),
  },
  (t) => [
    primaryKey({ columns: [t.nodeId, t.incarnation, t.channelId] }),
    index('legs_live')
      .on(t.nodeId, t.incarnation)
      .where(sql`${t.goneAt} is null`),
    index('legs_sip_call_id')
      .on(t.sipCallId)
      .where(sql`${t.goneAt} is null`),
    index('legs_gone')
      .on(t.goneAt)
      .where(sql`${t.goneAt} is not null`),
  ],
);

/** Every bridge as it was last observed, with the channels in it. Live are those whose `gone_at` is null. */
export const bridges = pgTable(
  'bridges',
  {
    nodeId: text('node_id').notNull(),
    incarnation: text('incarnation').notNull(),
    bridgeId: text('bridge_id').notNull(),
    bridgeType: text('bridge_type').notNull(),
    bridgeClass: text('bridge_class').notNull(),
    creator: text('creator').notNull(),
    name: text('name').notNull(),
    channelIds: text('channel_ids').array().notNull(),
    /** What it was doing, as its agent told it; null where that was nothing. */
    activity: jsonb('activity').$type<unknown>(),
    observedAt: moment('observed_at').notNull(),
    factSeq: bigint('fact_seq', { mode: 'number' }).notNull(),
    goneAt: moment('gone_at'),
  },
  (t) => [
    primaryKey({ columns: [t.nodeId, t.incarnation, t.bridgeId] }),
    index('bridges_live')
      .on(t.nodeId, t.incarnation)
      .where(sql`${t.goneAt} is null`),
    index('bridges_of_conference')
      .on(t.bridgeId)
      .where(sql`${t.goneAt} is null`),
    index('bridges_by_name')
      .on(t.name)
      .where(sql`${t.goneAt} is null and ${t.name} <> ''`),
    index('bridges_gone')
      .on(t.goneAt)
      .where(sql`${t.goneAt} is not null`),
  ],
);

/**
 * Every file into which a call was recorded, with the node on whose disk it is. A recording that went on after a recovery has several:
 * its parts, in their order.
 */
export const recordings = pgTable(
  'recordings',
  {
    nodeId: text('node_id').notNull(),
    incarnation: text('incarnation').notNull(),
    /** The leg (channel id) or bridge that was recorded there. */
    targetId: text('target_id').notNull(),
    /** The part's own name on that node. */
    name: text('name').notNull(),
    /** The name of its first part: that of the recording. */
    recording: text('recording').notNull(),
    /** From 1. */
    part: integer('part').notNull().default(1),
    format: text('format').notNull(),
    /** `ari`, `mixmonitor`. */
    kind: text('kind').notNull().default('ari'),
    startedAt: moment('started_at').notNull(),
    /** When it ended, or its node died; null while it goes on. */
    endedAt: moment('ended_at'),
    /** Whether its node died while it was written. */
    cut: boolean('cut').notNull().default(false),
    /** The recovery that it goes on in, or went on from; null where it was never recovered. */
    recoveryId: text('recovery_id'),
    callId: text('call_id'),
  },
  (t) => [
    primaryKey({ columns: [t.nodeId, t.incarnation, t.targetId, t.name] }),
    index('recordings_recording').on(t.recording),
    index('recordings_open')
      .on(t.nodeId, t.incarnation)
      .where(sql`${t.endedAt} is null`),
  ],
);
