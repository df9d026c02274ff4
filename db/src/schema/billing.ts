import { sql } from 'drizzle-orm';
import { bigserial, doublePrecision, index, integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { moment } from './columns.js';

/** Who wrote a row: the node that its module's connection is named after (`appname`). */
const nodeOfConnection = sql`current_setting('application_name')`;

/** A moment as Asterisk's modules write it into a column of a floating-point type: seconds since the Unix epoch, to the microsecond. */
const seconds = (name: string) => doublePrecision(name);

/**
 * Call detail records: Asterisk's own, written by `cdr_pgsql`, which fills in the columns whose names it knows and leaves the
 * others to their defaults; and Reinvite's, of channels whose Asterisk could not.
 */
export const cdr = pgTable(
  'cdr',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    nodeId: text('node_id').notNull().default(nodeOfConnection),
    /** `asterisk`; `reinvite` for a channel that was alive when its node died, or whose node could not write. */
    writtenBy: text('written_by').notNull().default('asterisk'),
    recordedAt: moment('recorded_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    clid: text('clid'),
    src: text('src'),
    dst: text('dst'),
    dcontext: text('dcontext'),
    channel: text('channel'),
    dstchannel: text('dstchannel'),
    lastapp: text('lastapp'),
    lastdata: text('lastdata'),
    start: seconds('start'),
    answer: seconds('answer'),
    end: seconds('end'),
    duration: integer('duration'),
    billsec: integer('billsec'),
    disposition: text('disposition'),
    amaflags: text('amaflags'),
    accountcode: text('accountcode'),
    peeraccount: text('peeraccount'),
    uniqueid: text('uniqueid'),
    linkedid: text('linkedid'),
    userfield: text('userfield'),
    sequence: integer('sequence'),
    /** Of the call's first channel on its first node; only on channels that have come back, and there by a trigger. */
    reinviteLinkedid: text('reinvite_linkedid'),
    /** What brought the channel back, or was to, empty where nothing was; null on rows of channels that did not die. */
    recoveryId: text('recovery_id'),
    /** The call's over all its nodes. */
    callLinkedid: text('call_linkedid').generatedAlwaysAs(
      sql`coalesce(nullif(reinvite_linkedid, ''), linkedid)`,
    ),
    startedAt: moment('started_at').generatedAlwaysAs(sql`to_timestamp("start")`),
    answeredAt: moment('answered_at').generatedAlwaysAs(sql`to_timestamp("answer")`),
    endedAt: moment('ended_at').generatedAlwaysAs(sql`to_timestamp("end")`),
  },
  (t) => [
    // What Reinvite writes twice stands there once.
    uniqueIndex('cdr_of_reinvite')
      .on(t.uniqueid)
      .where(sql`${t.writtenBy} = 'reinvite'`),
    index('cdr_uniqueid').on(t.uniqueid),
    index('cdr_call').on(t.callLinkedid),
    index('cdr_started').on(t.startedAt),
  ],
);

/** Channel events, written by `cel_pgsql`. */
export const cel = pgTable(
  'cel',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    nodeId: text('node_id').notNull().default(nodeOfConnection),
    /** `CHAN_START`, `ANSWER`, … */
    eventtype: text('eventtype').notNull(),
    eventtime: seconds('eventtime').notNull(),
    userdeftype: text('userdeftype'),
    cidName: text('cid_name'),
    cidNum: text('cid_num'),
    cidAni: text('cid_ani'),
    cidRdnis: text('cid_rdnis'),
    cidDnid: text('cid_dnid'),
    exten: text('exten'),
    context: text('context'),
    channame: text('channame'),
    appname: text('appname'),
    appdata: text('appdata'),
    accountcode: text('accountcode'),
    peeraccount: text('peeraccount'),
    uniqueid: text('uniqueid'),
    linkedid: text('linkedid'),
    amaflags: text('amaflags'),
    userfield: text('userfield'),
    peer: text('peer'),
    extra: text('extra'),
    eventAt: moment('event_at').generatedAlwaysAs(sql`to_timestamp("eventtime")`),
  },
  (t) => [index('cel_uniqueid').on(t.uniqueid), index('cel_linkedid').on(t.linkedid)],
);
