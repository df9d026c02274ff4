import type { Answer, Evidence, Invite, Refresh } from './evidence.js';

/** Enough refreshes of each kind for one that comes to be refused after all to fall back on the one before. */
const KEPT_REFRESHES = 2;

/**
 * Joins the evidence of two sets of messages of one dialog. Associative, commutative and idempotent, so that late, repeated
 * and reordered messages change nothing.
 */
export function joinEvidence(a: Evidence, b: Evidence): Evidence {
  return {
    ...inherit(a, b),
    speaker: best(a.speaker, b.speaker, (s) => [s.cseq, s.at]),
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
    refreshes: joinRefreshes(dialog.refreshes, invitation.refreshes),
    confirmedAt: earliest(dialog.confirmedAt, invitation.confirmedAt),
    terminatedAt: earliest(dialog.terminatedAt, invitation.terminatedAt),
    refusals: joinRefusals(dialog.refusals, invitation.refusals),
    localContact: bestOf(dialog.localContact, invitation.localContact, (c) => [c.at]),
    digestChallenged: dialog.digestChallenged || invitation.digestChallenged,
  };
}

type Rank<T> = (value: T) => readonly number[];

/** After a challenge the INVITE comes again with a higher CSeq, after a failover again to another node. */
const latestInvite: Rank<Invite> = (invite) => [invite.cseq, invite.at];

/**
 * The INVITE with the lowest CSeq is the one that created the dialog. A 2xx counts for more than a provisional answer to
 * the same INVITE (RFC 3261 section 13.2.2.4), and of equal ones the first, for others are retransmissions.
 */
const firstAnswer: Rank<Answer> = (answer) => [-answer.cseq, answer.final ? 1 : 0, -answer.at];

const best = <T>(a: T, b: T, rank: Rank<T>): T => (compare(a, b, rank) >= 0 ? a : b);

function bestOf<T>(a: T | null, b: T | null, rank: Rank<T>): T | null {
  if (a === null || b === null) return a ?? b;
  return best(a, b, rank);
}

/** Ties between different values are broken by their text, so that the order of arrival never decides. */
function compare<T>(a: T, b: T, rank: Rank<T>): number {
  if (a === b) return 0;
  const ranksOfB = rank(b);
  for (const [index, value] of rank(a).entries()) {
    const difference = value - (ranksOfB[index] ?? 0);
    if (difference !== 0) return difference;
  }
  const [textOfA, textOfB] = [JSON.stringify(a), JSON.stringify(b)];
  return textOfA === textOfB ? 0 : textOfA > textOfB ? 1 : -1;
}

function earliest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

function joinRefusals(a: Evidence['refusals'], b: Evidence['refusals']): Evidence['refusals'] {
  const joined = { ...a };
  for (const [nodeId, refusal] of Object.entries(b)) {
    const known = joined[nodeId];
    joined[nodeId] = known === undefined ? refusal : best(known, refusal, (r) => [r.cseq, -r.at]);
  }
  return joined;
}

const OUTCOMES = ['open', 'refused', 'accepted'] as const;

function joinRefreshes(a: readonly Refresh[], b: readonly Refresh[]): Refresh[] {
  if (b.length === 0) return [...a];
  const joined = new Map<string, Refresh>();
  for (const refresh of [...a, ...b]) {
    const key = `${refresh.by} ${refresh.cseq}`;
    const known = joined.get(key);
    joined.set(key, known === undefined ? refresh : joinRefresh(known, refresh));
  }
  const sorted = [...joined.values()].sort((x, y) => y.cseq - x.cseq || (x.by < y.by ? -1 : 1));
  const kept = new Map<string, number>();
  return sorted.filter(({ by, outcome, contact }) => {
    const kind = `${by} ${outcome === 'refused'} ${contact === null}`;
    const count = (kept.get(kind) ?? 0) + 1;
    kept.set(kind, count);
    return count <= KEPT_REFRESHES;
  });
}

function joinRefresh(a: Refresh, b: Refresh): Refresh {
  return {
    ...a,
    outcome: OUTCOMES.indexOf(a.outcome) >= OUTCOMES.indexOf(b.outcome) ? a.outcome : b.outcome,
    contact: bestOf(a.contact, b.contact, (c) => [c.final ? 1 : 0, -c.at]),
  };
}
