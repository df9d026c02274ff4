import { boolean, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment } from './columns.js';

/**
 * Where recoveries bring a conference of which parts are, or were, on several nodes: whoever comes first takes the row, in the
 * transaction of its attempt, and all others go there.
 */
export const conferenceHomes = pgTable(
  'conference_homes',
  {
    /** `ari-bridge:<id>` or `confbridge:<name>`. */
    conference: text('conference').notNull(),
    /** The groups of nodes that may take the calls, sorted, with commas: calls of another policy may not go to the same nodes. */
    groups: text('groups').notNull(),
    nodeId: text('node_id').notNull(),
    incarnation: text('incarnation').notNull(),
    /** Whether a part of it lived there before. */
    lived: boolean('lived').notNull(),
    /** The recoveries that brought something of it there. */
    recoveryIds: text('recovery_ids').array().notNull(),
    since: moment('since').notNull(),
    usedAt: moment('used_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.conference, t.groups] })],
);
