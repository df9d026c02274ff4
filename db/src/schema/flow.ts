import { integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment } from './columns.js';

/** The state that an ARI application keeps with us, one row for each leg by its SIP Call-ID. */
export const callFlows = pgTable('call_flows', {
  sipCallId: text('sip_call_id').primaryKey(),
  /** From 1, one more with each put. */
  version: integer('version').notNull(),
  /** JSON to the letter as the application put it: `jsonb` refuses some of what JSON may hold. */
  state: text('state').notNull(),
  /** Of the put that it is from; null where that carried none. */
  putId: text('put_id'),
  createdAt: moment('created_at').notNull(),
  updatedAt: moment('updated_at').notNull(),
});

/** Effects that must not be repeated: on record before they are done. */
export const callFlowEffects = pgTable(
  'call_flow_effects',
  {
    sipCallId: text('sip_call_id').notNull(),
    key: text('key').notNull(),
    /** Who has begun it. */
    claim: text('claim').notNull(),
    begunAt: moment('begun_at').notNull(),
    /** JSON; null while it is not known what came of it. */
    result: text('result'),
    doneAt: moment('done_at'),
  },
  (t) => [primaryKey({ columns: [t.sipCallId, t.key] })],
);
