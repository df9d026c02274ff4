import type { SessionDescription, SessionTimer } from '@reinvite/sip';
import { bigint, boolean, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment } from './columns.js';

/**
 * The hot table: SIP dialogs that live, and for a while those that ended, as the dialog-ledger folded them. A row whose
 * `local_tag` or `remote_tag` is empty is an INVITE that nobody had answered with a tag; it stays for half a minute beside
 * the dialog that answers it.
 */
export const dialogs = pgTable(
  'dialogs',
  {
    callId: text('call_id').notNull(),
    localTag: text('local_tag').notNull(),
    remoteTag: text('remote_tag').notNull(),
    role: text('role', { enum: ['uac', 'uas'] }).notNull(),
    state: text('state', { enum: ['early', 'confirmed', 'ended'] }).notNull(),
    /** The node that last spoke for it. */
    nodeId: text('node_id').notNull(),
    localDisplayName: text('local_display_name').notNull(),
    localUri: text('local_uri').notNull(),
    remoteDisplayName: text('remote_display_name').notNull(),
    remoteUri: text('remote_uri').notNull(),
    /** Of the INVITE that created it; null where that was not captured. */
    inviteCseq: bigint('invite_cseq', { mode: 'number' }),
    /** Highest CSeq that our side sent, 0 for none. */
    localCseq: bigint('local_cseq', { mode: 'number' }).notNull(),
    remoteCseq: bigint('remote_cseq', { mode: 'number' }).notNull(),
    /** In the order in which a request of ours carries it. */
    routeSet: text('route_set').array().notNull(),
    remoteTarget: text('remote_target'),
    localContact: text('local_contact'),
    transport: text('transport').notNull(),
    digestChallenged: boolean('digest_challenged').notNull(),
    /** What each side last said of the media, and the session timer; see `Dialog`. No SRTP key is kept. */
    localSession: jsonb('local_session').$type<SessionDescription | null>(),
    remoteSession: jsonb('remote_session').$type<SessionDescription | null>(),
    sessionTimer: jsonb('session_timer').$type<SessionTimer | null>(),
    /** Coded reasons for doubt. */
    unsure: text('unsure').array().notNull(),
    createdAt: moment('created_at').notNull(),
    updatedAt: moment('updated_at').notNull(),
    confirmedAt: moment('confirmed_at'),
    endedAt: moment('ended_at'),
    /** The dialog-ledger that wrote it last; null where a release wrote it that did not say. */
    ledgerId: text('ledger_id'),
    /** What the fold goes on from after a restart; no column to query. */
    evidence: jsonb('evidence').$type<unknown>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.callId, t.localTag, t.remoteTag] })],
);
