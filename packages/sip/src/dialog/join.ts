import type { Answer, Evidence, Invite, Refresh } from './evidence.js';
import { exchangeRules } from './exchange.js';
import { best, bestOf, joinTransactions, type Rank, type Rules } from './transactions.js';
import { updateRules } from './update.js';

/**
 * Joins the evidence of two sets of messages of one dialog. Associative, commutative and idempotent, so that late, repeated
 * and reordered messages change nothing.
 */
export function joinEvidence(a: Evidence, b: Evidence): Evidence {
  return {
    ...inherit(a, b),
    speaker: best(a.speaker, b.speaker, (s) => [s.cseq, s.spoke ? 1 : 0, s.at]),
    transport: best(a.transport, b.transport, (t) => [t.at]),
  };
}

/** A dialog with what its invitation shows; who speaks for the dialog, and over what, only its own messages tell. */
export function inherit(dialog: Evidence, invitation: Evidence): Evidence {
  if (dialog === invitation) return dialog;
  return {
    ...dialog,
    firstAt: Math.min(dialog.firstAt, invitation.firstAt),
    lastAt: Math.max(dialog.lastAt, invitation.lastAt),
    localCSeq: Math.max(dialog.localCSeq, invitation.localCSeq),
    remoteCSeq: Math.max(dialog.remoteCSeq, invitation.remoteCSeq),
    invite: bestOf(dialog.invite, invitation.invite, latestInvite),
    answers: {
      local: bestOf(dialog.answers.local, invitation.answers.local, firstAnswer),
      remote: bestOf(dialog.answers.remote, invitation.answers.remote, firstAnswer),
    },
    parties: bestOf(dialog.parties, invitation.parties, (p) => [-p.at]),
    ownRequest: bestOf(dialog.ownRequest, invitation.ownRequest, (r) => [r.cseq, -r.at]),
    refreshes: joinTransactions(dialog.refreshes, invitation.refreshes, refreshRules),
    exchanges: joinTransactions(dialog.exchanges, invitation.exchanges, exchangeRules),
    updates: joinTransactions(dialog.updates, invitation.updates, updateRules),
    timers: {
      local: bestOf(dialog.timers.local, invitation.timers.local, (t) => [t.cseq, -t.at]),
      remote: bestOf(dialog.timers.remote, invitation.timers.remote, (t) => [t.cseq, -t.at]),
    },
    confirmedAt: earliest(dialog.confirmedAt, invitation.confirmedAt),
    terminatedAt: earliest(dialog.terminatedAt, invitation.terminatedAt),
    refusals: joinByNode(dialog.refusals, invitation.refusals, (x, y) => best(x, y, (r) => [r.cseq, -r.at])),
    denials: joinByNode(dialog.denials, invitation.denials, Math.max),
    aliveAt: latest(dialog.aliveAt, invitation.aliveAt),
    passedOverAt: earliest(dialog.passedOverAt, invitation.passedOverAt),
    localContact: bestOf(dialog.localContact, invitation.localContact, (c) => [c.at]),
    digestChallenged: dialog.digestChallenged || invitation.digestChallenged,
  };
}

/** After a challenge the INVITE comes again with a higher CSeq, after a failover again to another node. */
const latestInvite: Rank<Invite> = (invite) => [invite.cseq, invite.at];

/**
 * The INVITE with the lowest CSeq is the one that created the dialog. A 2xx counts for more than a provisional answer to
 * the same INVITE (RFC 3261 section 13.2.2.4), and of equal ones the first, for others are retransmissions.
 */
const firstAnswer: Rank<Answer> = (answer) => [-answer.cseq, answer.final ? 1 : 0, -answer.at];

const OUTCOMES = ['open', 'refused', 'accepted'] as const;

const refreshRules: Rules<Refresh> = {
  kept: 16,
  keptSpent: 32,
  join: (a, b) => ({
    ...a,
    outcome: OUTCOMES.indexOf(a.outcome) >= OUTCOMES.indexOf(b.outcome) ? a.outcome : b.outcome,
    contact: bestOf(a.contact, b.contact, (c) => [c.uri === '' ? 0 : 1, c.final ? 1 : 0, -c.at]),
  }),
  // One without a Contact leaves the target to the one before.
  isSettled: ({ outcome, contact }) => outcome === 'accepted' && contact !== null && contact.uri !== '',
  // There are phones that never give a Contact with an UPDATE: none that refreshes the session timer is settled then.
  isSpent: ({ outcome, contact }) => outcome === 'refused' || (outcome === 'accepted' && contact?.uri === ''),
};

export function earliest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

function latest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

function joinByNode<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  join: (a: T, b: T) => T,
): Record<string, T> {
  const added = Object.entries(b);
  if (added.length === 0) return a;
  const joined = new Map(Object.entries(a));
  for (const [nodeId, value] of added) {
    const known = joined.get(nodeId);
    joined.set(nodeId, known === undefined ? value : join(known, value));
  }
  return Object.fromEntries(joined);
}
