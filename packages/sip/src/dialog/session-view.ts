import { sessionOf } from '../session/compact.js';
import type { Evidence, Timer } from './evidence.js';
import { exchangeRules, type Exchange, type Said } from './exchange.js';
import type { SessionDescription, SessionTimer } from './session.js';
import type { Update } from './update.js';

/** What can be said of the session (RFC 3264). */
export interface SessionView {
  readonly local: SessionDescription | null;
  readonly remote: SessionDescription | null;
  /** Of the last exchange that was accepted, one side's part was not seen or not understood. */
  readonly unseen: boolean;
  /** A later offer was made, and its outcome was not seen, or which version of ours it had. */
  readonly open: boolean;
}

/** An exchange from our side. */
interface Reading {
  readonly by: Exchange['by'];
  readonly cseq: number;
  /** `agreed`: offer and answer were seen, and it was accepted; `half`: accepted, and one of them was seen. */
  readonly status: 'agreed' | 'half' | 'open';
  readonly local: Said | null;
  readonly remote: Said | null;
  /** When the last of what was seen of it was first said, µs. */
  readonly at: number;
}

/** The session in force: that of the last exchange which was accepted. A refused offer leaves it as it was. */
export function sessionOfEvidence({ exchanges: offers, updates, confirmedAt }: Evidence): SessionView {
  const exchanges = offers.map((offer) => withRefusal(offer, updates));
  const readings = exchanges.map(readingOf).filter((reading) => reading !== null);
  const accepted = merged(readings.filter(({ status }) => status !== 'open'));
  const [last] = accepted;
  const local = wholeOf(accepted.find((reading) => reading.local !== null)?.local);
  const remote = wholeOf(accepted.find((reading) => reading.remote !== null)?.remote);
  // There is no call without a session: where none was offered in the INVITE, its answer must (RFC 3261 section 13.3.1).
  const unseen = last === undefined || !isWhole(last);
  const open =
    readings.some((reading) => reading.status === 'open' && !isOvertaken(reading, last)) ||
    exchanges.some(isUnseenOffer) ||
    updates.some((update) => isUnseenUpdate(update, exchanges));
  const isConfirmed = confirmedAt !== null;
  return {
    local: local === null ? null : withHighestVersion(sessionOf(local), exchanges),
    remote: remote === null ? null : sessionOf(remote),
    unseen: isConfirmed && unseen,
    open: isConfirmed && open,
  };
}

/** The session timer of the last 2xx to an INVITE or UPDATE; one without Session-Expires switches it off (RFC 4028 section 7.2). */
export function timerOfEvidence({ timers: { local, remote }, exchanges }: Evidence): SessionTimer | null {
  const isOurs = remote === null || (local !== null && isOursLater(exchanges, local, remote));
  const [timer, by]: [Timer | null, Exchange['by']] = isOurs ? [local, 'local'] : [remote, 'remote'];
  if (timer === null || timer.seconds === 0) return null;
  return { intervalS: timer.seconds, refresher: timer.refresher === 'uac' ? by : otherOf(by) };
}

/** A transaction of one side, and when something of it was seen, µs. */
interface Seen {
  readonly cseq: number;
  readonly at: number;
}

/**
 * Whether a transaction of ours came after one of the peer's. The sides count apart, and after a recovery the clock is that
 * of another machine: what both said of the session tells, and time where they said nothing.
 */
export function isOursLater(exchanges: readonly Exchange[], ours: Seen, theirs: Seen): boolean {
  const a = exchanges.find(({ by, cseq }) => by === 'local' && cseq === ours.cseq);
  const b = exchanges.find(({ by, cseq }) => by === 'remote' && cseq === theirs.cseq);
  const [one, other] = [a && readingOf(a), b && readingOf(b)];
  const difference = one && other ? compareReadings(one, other) : 0;
  return (difference === 0 ? ours.at - theirs.at : difference) > 0;
}

/** @returns null for what is no exchange: refused, or without any session. */
function readingOf(exchange: Exchange): Reading | null {
  const { by, cseq, outcome, prack, bare, response } = exchange;
  const asker = exchange.request ?? exchange.acked;
  if (outcome === 'refused' || (prack && (asker === null || response === null))) return null;
  if (asker === null && response === null) return bare && outcome === 'open' ? openBare(by, cseq) : null;
  const [local, remote] = by === 'local' ? [asker, response] : [response, asker];
  const at = Math.max(local?.at ?? 0, remote?.at ?? 0);
  return { by, cseq, local, remote, at, status: statusOf(exchange, asker) };
}

/** An INVITE without an offer that nobody was seen to answer; the one that created the dialog is older than all else. */
function openBare(by: Exchange['by'], cseq: number): Reading {
  return { by, cseq, local: null, remote: null, at: 0, status: 'open' };
}

function statusOf({ outcome, bare, response, acked }: Exchange, asker: Said | null): Reading['status'] {
  const isAccepted = outcome === 'accepted';
  if (asker !== null && response !== null)
    return isAccepted || response.kind === 'reliable' || acked !== null ? 'agreed' : 'open';
  // An offer in the answer waits for the ACK, or the PRACK.
  if (asker === null && bare) return 'open';
  return isAccepted ? 'half' : 'open';
}

/** The latest first. Those of one side are in the order of its CSeq already. */
function merged(readings: readonly Reading[]): Reading[] {
  const ours = readings.filter(({ by }) => by === 'local');
  const theirs = readings.filter(({ by }) => by === 'remote');
  const all: Reading[] = [];
  for (;;) {
    const [a, b] = [ours[0], theirs[0]];
    if (a === undefined || b === undefined) return [...all, ...ours, ...theirs];
    const isOurs = isLater(a, b);
    all.push(isOurs ? a : b);
    (isOurs ? ours : theirs).shift();
  }
}

/**
 * Across the sides our version in `o=` tells which exchange came later, for it rises with each (RFC 3264 section 8), else
 * the peer's.
 * @returns 0 where neither tells.
 */
function compareReadings(ours: Reading, theirs: Reading): number {
  return compareVersions(ours.local, theirs.local) || compareVersions(ours.remote, theirs.remote);
}

function isLater(ours: Reading, theirs: Reading): boolean {
  return (compareReadings(ours, theirs) || ours.at - theirs.at) >= 0;
}

/** An offer of ours that was refused has used up a version, and this one was not captured. */
function isUnseenOffer({ by, outcome, request, bare }: Exchange): boolean {
  return by === 'local' && outcome === 'refused' && request === null && !bare;
}

/** A refused UPDATE of ours that may have been an offer, unless it or a later exchange of ours shows what version we had come to. */
function isUnseenUpdate({ by, cseq, bare, refused }: Update, exchanges: readonly Exchange[]): boolean {
  if (by === 'remote' || bare || !refused) return false;
  return !exchanges.some(
    (other) =>
      other.by === 'local' &&
      (other.request !== null ? other.cseq >= cseq : other.cseq > cseq && exchangeRules.isSettled(other)),
  );
}

function withRefusal(offer: Exchange, updates: readonly Update[]): Exchange {
  const isRefused =
    offer.outcome === 'open' &&
    updates.some(({ by, cseq, refused }) => refused && by === offer.by && cseq === offer.cseq);
  return isRefused ? { ...offer, outcome: 'refused' } : offer;
}

function isOvertaken(open: Reading, last: Reading | undefined): boolean {
  if (last === undefined) return false;
  return open.by === last.by ? open.cseq < last.cseq : open.at < last.at;
}

function isWhole({ local, remote }: Reading): boolean {
  return wholeOf(local) !== null && wholeOf(remote) !== null;
}

/** The description; null where it was not seen, cannot be read, or was too much to be kept. */
function wholeOf(said: Said | null | undefined): Said['session'] {
  const session = said?.session ?? null;
  return session === null || session.streams.length === 0 ? null : session;
}

/** 0 where they are not of one session, or nothing is known of one. */
function compareVersions(a: Said | null, b: Said | null): number {
  const [ours, theirs] = [a?.session?.origin, b?.session?.origin];
  if (ours === undefined || theirs === undefined || ours[1] !== theirs[1]) return 0;
  return compareDecimals(ours[2], theirs[2]);
}

function withHighestVersion(session: SessionDescription, exchanges: readonly Exchange[]): SessionDescription {
  const { origin, streams } = session;
  let { version } = origin;
  for (const { by, request, response, acked } of exchanges) {
    for (const ours of by === 'local' ? [request, acked] : [response]) {
      const [, sessionId, said] = ours?.session?.origin ?? [];
      if (said !== undefined && sessionId === origin.sessionId && compareDecimals(said, version) > 0)
        version = said;
    }
  }
  return { origin: { ...origin, version }, streams };
}

function compareDecimals(a: string, b: string): number {
  const [x, y] = [BigInt(a), BigInt(b)];
  return x === y ? 0 : x > y ? 1 : -1;
}

function otherOf(by: Exchange['by']): Exchange['by'] {
  return by === 'local' ? 'remote' : 'local';
}
