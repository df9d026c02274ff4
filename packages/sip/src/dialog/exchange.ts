import { z } from 'zod';
import { isCoded } from '@reinvite/runtime';
import type { SipMessage } from '../message/message.js';
import { sdpOf } from '../session/body.js';
import { compactOf, compactSession, originOnly } from '../session/compact.js';
import { parseSdp } from '../session/parse.js';
import { bestOf, type Rules } from './transactions.js';

/** One session description, and when it was first sent, in µs. */
const said = z.object({ at: z.number().int(), session: compactSession });
export type Said = z.infer<typeof said>;

/**
 * What the messages of one INVITE, UPDATE or PRACK transaction say of the session. Which of them is the offer and which
 * the answer follows from which are there (RFC 3264, RFC 3261 section 13.2.1, RFC 3262 section 5, RFC 3311 section 5):
 *
 * | offer in         | answer in                                 |
 * | ---------------- | ----------------------------------------- |
 * | INVITE           | reliable provisional answer, or the 2xx   |
 * | the 2xx          | ACK                                       |
 * | reliable 1xx     | PRACK                                     |
 * | PRACK, UPDATE    | its 2xx                                   |
 */
export const exchangeSchema = z.object({
  /** Whose request it was, and so whose CSeq counts. */
  by: z.enum(['local', 'remote']),
  cseq: z.number().int().nonnegative(),
  /** A PRACK may as well carry the answer to an offer of its INVITE: alone it is no exchange. */
  prack: z.boolean(),
  outcome: z.enum(['open', 'refused', 'accepted']),
  /** A refusal that is the last word on it, after which no more is kept of the descriptions than their origin. */
  spent: z.boolean().default(false),
  /** The INVITE was seen, and without a description: the offer is in its answer. */
  bare: z.boolean(),
  request: said.nullable(),
  /** What the other side answered; a reliable provisional answer counts most: all later ones repeat it. */
  response: said.extend({ kind: z.enum(['provisional', 'final', 'reliable']) }).nullable(),
  /** In the ACK, or in the PRACK of a reliable answer to an INVITE without an offer. */
  acked: said.nullable(),
});
export type Exchange = z.infer<typeof exchangeSchema>;

const OUTCOMES = ['open', 'refused', 'accepted'] as const;
const KINDS = ['provisional', 'final', 'reliable'] as const;

export const exchangeRules: Rules<Exchange> = {
  // Hardly anybody has as many offers open one after the other, and each may be long.
  kept: 8,
  keptSpent: 32,
  join: (a, b) => {
    const joined: Exchange = {
      by: a.by,
      cseq: a.cseq,
      prack: a.prack || b.prack,
      outcome: OUTCOMES.indexOf(a.outcome) >= OUTCOMES.indexOf(b.outcome) ? a.outcome : b.outcome,
      spent: a.spent || b.spent,
      bare: a.bare || b.bare,
      request: bestOf(a.request, b.request, (one) => [-one.at]),
      response: bestOf(a.response, b.response, (one) => [KINDS.indexOf(one.kind), -one.at]),
      acked: bestOf(a.acked, b.acked, (one) => [-one.at]),
    };
    return joined.spent ? withoutStreams(joined) : joined;
  },
  isSettled: ({ outcome, request, response, acked }) =>
    outcome === 'accepted' && response !== null && (request !== null || acked !== null),
  isSpent: ({ outcome }) => outcome === 'refused',
};

/** An exchange of which the descriptions are known to have been there, and their origins: the session is not. */
export function withoutStreams(exchange: Exchange): Exchange {
  const { request, response, acked } = exchange;
  return {
    ...exchange,
    request: request && { ...request, session: originOnly(request.session) },
    response: response && { ...response, session: originOnly(response.session) },
    acked: acked && { ...acked, session: originOnly(acked.session) },
  };
}

/** Far beyond the description of any phone, as it is kept. Of a longer one the origin is. */
const MAX_SESSION = 8_192;

/** What a message says of the session, null where nothing. One that cannot be read is known to have been there. */
export function saidIn(message: SipMessage, at: number): Said | null {
  const text = sdpOf(message);
  if (text === null) return null;
  try {
    const session = compactOf(parseSdp(text));
    return { at, session: JSON.stringify(session).length > MAX_SESSION ? originOnly(session) : session };
  } catch (error) {
    if (isCoded(error, 'SDP_MALFORMED')) return { at, session: null };
    throw error;
  }
}

const NOTHING = {
  prack: false,
  outcome: 'open',
  spent: false,
  bare: false,
  request: null,
  response: null,
  acked: null,
} as const satisfies Omit<Exchange, 'by' | 'cseq'>;

/**
 * What one message adds.
 * @param by whose transaction it is.
 */
export function exchangesIn(message: SipMessage, by: Exchange['by'], at: number): Exchange[] {
  return message.kind === 'request' ? inRequest(message, by, at) : inResponse(message, by, at);
}

function inRequest(message: SipMessage & { kind: 'request' }, by: Exchange['by'], at: number): Exchange[] {
  const { method, cseq } = message;
  const spoken = { ...NOTHING, by, cseq: cseq.number };
  const request = saidIn(message, at);
  if (method === 'INVITE') return [{ ...spoken, request, bare: request === null }];
  if (request === null) return [];
  if (method === 'UPDATE') return [{ ...spoken, request }];
  if (method === 'ACK') return [{ ...spoken, outcome: 'accepted', acked: request }];
  if (method !== 'PRACK') return [];
  const invite = invitedBy(message);
  const offer: Exchange = { ...spoken, prack: true, request };
  return invite === null ? [offer] : [offer, { ...NOTHING, by, cseq: invite, acked: request }];
}

function inResponse(message: SipMessage & { kind: 'response' }, by: Exchange['by'], at: number): Exchange[] {
  const { status, cseq } = message;
  const { method } = cseq;
  if (method !== 'INVITE' && method !== 'UPDATE' && method !== 'PRACK') return [];
  const answered = { ...NOTHING, by, cseq: cseq.number, prack: method === 'PRACK' };
  // Refused UPDATEs are kept apart, for most are no offers.
  if (status >= 300) return method === 'INVITE' ? [{ ...answered, outcome: 'refused', spent: true }] : [];
  const final = status >= 200;
  const response = saidIn(message, at);
  // Of an UPDATE without an offer, which only refreshes the timer, nothing is kept: many follow one another.
  if (response === null) return final && method === 'INVITE' ? [{ ...answered, outcome: 'accepted' }] : [];
  const kind = final ? 'final' : isReliable(message) ? 'reliable' : 'provisional';
  return [{ ...answered, outcome: final ? 'accepted' : 'open', response: { ...response, kind } }];
}

/** RFC 3262 section 3. */
function isReliable({ headers }: SipMessage): boolean {
  return (
    headers.has('rseq') && (headers.get('require') ?? []).some((value) => /(?:^|[,\s])100rel\b/i.test(value))
  );
}

/** CSeq of the INVITE whose provisional answer a PRACK acknowledges (RFC 3262 section 7.2). */
function invitedBy({ headers }: SipMessage): number | null {
  const [, number] = /^\d{1,10}\s+(\d{1,10})\s+INVITE$/i.exec(headers.get('rack')?.[0] ?? '') ?? [];
  return number === undefined ? null : Number(number);
}
