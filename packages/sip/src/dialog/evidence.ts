import { z } from 'zod';
import { exchangeSchema } from './exchange.js';
import { updateSchema } from './update.js';

/** Microseconds since the Unix epoch. */
const us = z.number().int();
const cseq = z.number().int().nonnegative();
const party = z.object({ displayName: z.string(), uri: z.string() });
const side = z.enum(['local', 'remote']);

/** The INVITE without a To tag that began it. */
const invite = z.object({
  by: side,
  cseq,
  at: us,
  nodeId: z.string(),
  local: party,
  remote: party,
  /** Record-Route of the INVITE as received; empty for one of ours. */
  recordRoutes: z.array(z.string()),
});
export type Invite = z.infer<typeof invite>;

/** A tagged answer (101 to 299) to an INVITE. */
const answer = z.object({
  cseq,
  at: us,
  /** A 2xx. */
  final: z.boolean(),
  local: party,
  remote: party,
  recordRoutes: z.array(z.string()),
});
export type Answer = z.infer<typeof answer>;

/** One transaction that may have refreshed the remote target (RFC 3261 section 12.2, RFC 3311 section 5.1). */
const refresh = z.object({
  /** Whose request it was, and so whose CSeq counts. */
  by: side,
  cseq,
  /** `open` while no final answer was seen. A refused one leaves the target as it was (RFC 6141 section 4.6). */
  outcome: z.enum(['open', 'accepted', 'refused']),
  /** The peer's Contact, empty where it gave none; `final` false where only a provisional answer gave it. */
  contact: z.object({ final: z.boolean(), at: us, uri: z.string() }).nullable(),
});
export type Refresh = z.infer<typeof refresh>;

/** What the 2xx to an INVITE or UPDATE says of the session timer (RFC 4028 section 9): 0 seconds for none. */
const timer = z.object({
  cseq,
  at: us,
  seconds: z.number().int().nonnegative(),
  refresher: z.enum(['uac', 'uas']),
});
export type Timer = z.infer<typeof timer>;

/**
 * All that the messages of one dialog have shown, such that evidence can be joined in any order and any number of times
 * with the same result: every field is a maximum, a minimum or a union. What a dialog is follows from it; see `viewOf`.
 *
 * With one tag empty it is the evidence of an invitation, which every dialog that answers it inherits.
 */
export const evidenceSchema = z.object({
  callId: z.string(),
  localTag: z.string(),
  remoteTag: z.string(),
  firstAt: us,
  lastAt: us,
  localCSeq: cseq,
  remoteCSeq: cseq,
  invite: invite.nullable(),
  /** The first answer to an INVITE of ours (`local`) and to one of the peer's (`remote`). */
  answers: z.object({ local: answer.nullable(), remote: answer.nullable() }),
  /** As first seen in a message with both tags. */
  parties: z.object({ at: us, local: party, remote: party }).nullable(),
  /** Our latest request inside the dialog: its Route values show the route set, its Request-URI the remote target. */
  ownRequest: z.object({ cseq, at: us, routes: z.array(z.string()), requestUri: z.string() }).nullable(),
  refreshes: z.array(refresh),
  /** Offers and answers. */
  exchanges: z.array(exchangeSchema).default([]),
  updates: z.array(updateSchema).default([]),
  /** The latest in a transaction of ours (`local`) and in one of the peer's (`remote`). */
  timers: z
    .object({ local: timer.nullable(), remote: timer.nullable() })
    .default({ local: null, remote: null }),
  /** First sign of a 2xx to an INVITE. */
  confirmedAt: us.nullable(),
  /** First BYE, or 481 or 408 to a request of ours. */
  terminatedAt: us.nullable(),
  /** By node: the last INVITE that it saw cancelled or refused. Of several nodes that were tried in turn each may refuse. */
  refusals: z.record(z.string(), z.object({ cseq, at: us })),
  /** By node: when it last answered 481 to a request of the peer. Only of the one that holds the dialog does it count. */
  denials: z.record(z.string(), us).default({}),
  /** Last 2xx inside the dialog, save to a BYE. */
  aliveAt: us.nullable().default(null),
  /** First sign that a fork of the INVITE is not the one that goes on; a 2xx of its own tells otherwise. */
  passedOverAt: us.nullable().default(null),
  /**
   * Who spoke for our side with the highest CSeq; 0 where the node only answered, `spoke` false where it did not even do
   * that: a request that went astray, or was refused, does not make a node the one that holds the dialog.
   */
  speaker: z.object({ cseq, spoke: z.boolean().default(true), at: us, nodeId: z.string() }),
  localContact: z.object({ at: us, uri: z.string() }).nullable(),
  transport: z.object({ at: us, name: z.string() }),
  digestChallenged: z.boolean(),
});
export type Evidence = Readonly<z.infer<typeof evidenceSchema>>;
