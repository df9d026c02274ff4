import type { Dialog, Party, UnsureReason } from './dialog.js';
import type { Answer, Evidence, Refresh } from './evidence.js';
import { isOursLater, sessionOfEvidence, timerOfEvidence } from './session-view.js';

/** True while only one side has a tag: an INVITE whose answer is awaited. */
export function isInvitation({ localTag, remoteTag }: Pick<Dialog, 'localTag' | 'remoteTag'>): boolean {
  return localTag === '' || remoteTag === '';
}

/**
 * What the evidence says the dialog is.
 * @returns null for what is nothing to anybody: the refusal of an INVITE that was not seen.
 */
export function viewOf(evidence: Evidence): Dialog | null {
  if (isInvitation(evidence) && evidence.invite === null) return null;
  const role = roleOf(evidence);
  const creation = creationOf(evidence, role);
  const target = targetOf(evidence);
  const unsure: UnsureReason[] = [];
  if (!isInvitation(evidence) && !creation.seen) unsure.push('creation-unseen');
  if (target.uri !== null && target.refresh === null) unsure.push('target-inferred');
  if (isOpenRefresh(evidence, target.refresh)) unsure.push('target-refresh-open');
  const session = sessionOfEvidence(evidence);
  if (session.unseen) unsure.push('session-unseen');
  else if (session.open || isRefreshOpen(evidence)) unsure.push('session-open');
  const state = stateOf(evidence);
  return {
    callId: evidence.callId,
    localTag: evidence.localTag,
    remoteTag: evidence.remoteTag,
    role,
    state,
    nodeId: evidence.speaker.nodeId,
    local: creation.local,
    remote: creation.remote,
    inviteCSeq: evidence.invite?.cseq ?? null,
    localCSeq: evidence.localCSeq,
    remoteCSeq: evidence.remoteCSeq,
    routeSet: creation.routeSet,
    remoteTarget: target.uri,
    localContact: evidence.localContact?.uri ?? null,
    transport: evidence.transport.name,
    digestChallenged: evidence.digestChallenged,
    localSession: session.local,
    remoteSession: session.remote,
    sessionTimer: timerOfEvidence(evidence),
    createdAt: wholeMs(evidence.firstAt),
    updatedAt: wholeMs(evidence.lastAt),
    confirmedAt: evidence.confirmedAt === null ? null : wholeMs(evidence.confirmedAt),
    endedAt: state === 'ended' ? wholeMs(endOf(evidence) ?? evidence.lastAt) : null,
    unsure,
  };
}

function stateOf(evidence: Evidence): Dialog['state'] {
  if (endOf(evidence) !== null) return 'ended';
  return evidence.confirmedAt === null ? 'early' : 'confirmed';
}

/** First sign of the dialog's end. What ends an early dialog alone does not count once it is confirmed. */
function endOf(evidence: Evidence): number | null {
  const end = evidence.terminatedAt ?? deniedAt(evidence);
  if (end !== null || evidence.confirmedAt !== null) return end;
  return refusedAt(evidence) ?? evidence.passedOverAt;
}

/**
 * When the node that holds the dialog said that it knows none (RFC 3261 section 12.2.2), unless the dialog lived on. What
 * another node says, to which a request went astray, is nothing to it, also when that node takes the dialog over later.
 */
function deniedAt({ denials, speaker, ownRequest, aliveAt }: Evidence): number | null {
  const at = denials[speaker.nodeId];
  if (at === undefined || (aliveAt !== null && aliveAt >= at)) return null;
  const tookItOver = ownRequest !== null && ownRequest.cseq === speaker.cseq && ownRequest.at > at;
  return tookItOver ? null : at;
}

/** When the INVITE was refused or cancelled; not by a node that was tried before, and not before it was sent again. */
function refusedAt(evidence: Evidence): number | null {
  const { invite, refusals, speaker } = evidence;
  const nodeId = isInvitation(evidence) && invite !== null ? invite.nodeId : speaker.nodeId;
  const refusal = refusals[nodeId];
  if (refusal === undefined) return null;
  return invite === null || refusal.cseq === invite.cseq ? refusal.at : null;
}

function roleOf({ invite, answers }: Evidence): Dialog['role'] {
  if (invite !== null) return invite.by === 'local' ? 'uac' : 'uas';
  const { local, remote } = answers;
  if (local === null || remote === null) return local === null ? 'uas' : 'uac';
  return local.at <= remote.at ? 'uac' : 'uas';
}

interface Creation {
  readonly seen: boolean;
  readonly local: Party;
  readonly remote: Party;
  readonly routeSet: readonly string[];
}

const NOBODY: Party = { displayName: '', uri: '' };

/**
 * Parties and route set as the creation of the dialog set them (RFC 3261 section 12.1): a UAS takes Record-Route from the
 * INVITE in its order, a UAC from the answer in reverse; later messages change neither (section 12.2).
 */
function creationOf(evidence: Evidence, role: Dialog['role']): Creation {
  const { invite, answers } = evidence;
  const answer = role === 'uac' ? answers.local : answers.remote;
  if (invite === null) return inferredCreation(evidence, role, answer);
  const created = answer !== null && answer.cseq === invite.cseq ? answer : null;
  if (role === 'uas') {
    return {
      seen: true,
      local: created?.local ?? invite.local,
      remote: invite.remote,
      routeSet: invite.recordRoutes,
    };
  }
  if (created === null && evidence.confirmedAt !== null) {
    return { ...inferredCreation(evidence, role, answer), local: invite.local };
  }
  return {
    seen: created !== null,
    local: invite.local,
    remote: created?.remote ?? invite.remote,
    routeSet: created?.recordRoutes.toReversed() ?? [],
  };
}

/** The Route of our own request is the route set; the Record-Route of a later answer is often not copied by the peer. */
function inferredCreation(evidence: Evidence, role: Dialog['role'], answer: Answer | null): Creation {
  const { parties, ownRequest } = evidence;
  const recorded = role === 'uac' ? answer?.recordRoutes.toReversed() : answer?.recordRoutes;
  return {
    seen: false,
    local: answer?.local ?? parties?.local ?? NOBODY,
    remote: answer?.remote ?? parties?.remote ?? NOBODY,
    routeSet: ownRequest?.routes ?? recorded ?? [],
  };
}

/** The remote target and the refresh that set it; no refresh where it is inferred from our own request. */
function targetOf(evidence: Evidence): { uri: string | null; refresh: Refresh | null } {
  const { refreshes, ownRequest } = evidence;
  const refresh = latestRefresh(evidence, refreshes);
  return { uri: refresh?.contact?.uri ?? ownRequest?.requestUri ?? null, refresh };
}

const hasContact = ({ contact }: Refresh): boolean => contact !== null && contact.uri !== '';

/** A refused refresh changes nothing; a refused INVITE that would have created the dialog leaves no other target. */
function latestRefresh(evidence: Evidence, refreshes: readonly Refresh[]): Refresh | null {
  const effective = refreshes.filter(
    (refresh) => hasContact(refresh) && (refresh.outcome !== 'refused' || isCreating(evidence, refresh)),
  );
  const last = (by: Refresh['by']): Refresh | undefined =>
    effective.filter((refresh) => refresh.by === by).sort((a, b) => b.cseq - a.cseq)[0];
  const [ours, theirs] = [last('local'), last('remote')];
  if (ours === undefined || theirs === undefined) return ours ?? theirs ?? null;
  const [a, b] = [ours, theirs].map(({ cseq, contact }) => ({ cseq, at: contact?.at ?? 0 }));
  return a !== undefined && b !== undefined && isOursLater(evidence.exchanges, a, b) ? ours : theirs;
}

/**
 * The peer asked for another target, in a confirmed dialog, and whether we took it is not known; or we took one, and what
 * it is is not known.
 */
function isOpenRefresh(evidence: Evidence, latest: Refresh | null): boolean {
  if (evidence.confirmedAt === null) return false;
  if (evidence.refreshes.some((refresh) => isUnseenRefresh(evidence, refresh, latest))) return true;
  if (latest === null || latest.by !== 'remote' || latest.outcome !== 'open') return false;
  if (isCreating(evidence, latest)) return false;
  const before = latestRefresh(
    evidence,
    evidence.refreshes.filter((refresh) => refresh !== latest),
  );
  return before?.contact?.uri !== latest.contact?.uri;
}

/** A re-INVITE or UPDATE may have changed session, timer and target, and what became of it was not seen. */
function isRefreshOpen({ refreshes, confirmedAt }: Evidence): boolean {
  if (confirmedAt === null) return false;
  const isOvertaken = (open: Refresh): boolean =>
    refreshes.some(
      ({ by, cseq, outcome, contact }) =>
        outcome === 'accepted' &&
        (by === open.by ? cseq > open.cseq : (contact?.at ?? 0) > (open.contact?.at ?? 0)),
    );
  return refreshes.some((refresh) => refresh.outcome === 'open' && !isOvertaken(refresh));
}

function isUnseenRefresh(evidence: Evidence, refresh: Refresh, latest: Refresh | null): boolean {
  const { by, cseq, outcome, contact } = refresh;
  if (by !== 'remote' || outcome !== 'accepted' || contact !== null) return false;
  const isOlder = latest?.by === 'remote' && latest.cseq > cseq;
  return !isOlder && !isCreating(evidence, refresh);
}

function isCreating({ invite }: Evidence, { by, cseq }: Refresh): boolean {
  return invite !== null && invite.by === by && invite.cseq === cseq;
}

function wholeMs(us: number): number {
  return Math.floor(us / 1_000);
}
