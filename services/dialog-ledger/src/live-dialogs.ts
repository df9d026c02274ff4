import {
  applyMessage,
  dialogKey,
  emptyCall,
  isInvitation,
  joinCalls,
  viewOf,
  visible,
  withoutDialogs,
  type CallDialogs,
  type Evidence,
  type Observed,
} from '@reinvite/sip';

/** How long what is over stays, in milliseconds after the last message of its Call-ID. */
export interface Retention {
  readonly endedMs: number;
  /** An INVITE that nobody answers with a final response is given up by every proxy well before (RFC 3261 timer C). */
  readonly earlyMs: number;
  /** Time for another fork to answer the same INVITE (RFC 3261 section 13.2.2.4: 64*T1). */
  readonly answeredInvitationMs: number;
  /** A confirmed dialog of which nothing is heard for so long has ended, and its BYE was missed. */
  readonly silentMs: number;
}

interface Entry {
  call: CallDialogs;
  /** When the last message came, by our own clock: those of the nodes may be wrong. */
  heardAt: number;
}

/**
 * The dialogs in memory, by Call-ID, and which of them Postgres does not have yet.
 *
 * What could not be written is given back and taken again, so that a write that fails loses nothing.
 */
export class LiveDialogs {
  private readonly calls = new Map<string, Entry>();
  private readonly dirty = new Set<string>();

  /** Number of Call-IDs. */
  get size(): number {
    return this.calls.size;
  }

  /** Number of Call-IDs that are not written yet. */
  get unwritten(): number {
    return this.dirty.size;
  }

  /** Folds a message in. @param now epoch ms of our clock. */
  apply(observed: Observed, now: number): void {
    const { callId } = observed.message;
    const entry = this.calls.get(callId);
    const before = entry?.call ?? emptyCall(callId);
    const call = applyMessage(before, observed);
    if (call === before) return;
    this.keep(call, now);
    this.dirty.add(callId);
  }

  /** Joins what an earlier life of the ledger had written with what has come in since. */
  adopt(stored: readonly Evidence[], now: number): void {
    for (const evidence of stored) {
      const { callId } = evidence;
      const known = this.calls.get(callId);
      const loaded = { callId, evidence: new Map([[dialogKey(evidence), evidence]]) };
      this.keep(known === undefined ? loaded : joinCalls(known.call, loaded), now);
    }
  }

  /** Takes everything that is to be written; it counts as written from now on, unless it is given back. */
  takeUnwritten(): { readonly callIds: readonly string[]; readonly evidence: readonly Evidence[] } {
    const callIds = [...this.dirty];
    this.dirty.clear();
    const evidence = callIds.flatMap((callId) => visible(this.calls.get(callId)?.call ?? emptyCall(callId)));
    return { callIds, evidence };
  }

  /** After a write that failed. */
  giveBack(callIds: readonly string[]): void {
    for (const callId of callIds) if (this.calls.has(callId)) this.dirty.add(callId);
  }

  /** What is over and written, as it stood at `now`. */
  expired(now: number, retention: Retention): readonly Evidence[] {
    const over: Evidence[] = [];
    for (const [callId, { call, heardAt }] of this.calls) {
      const silentFor = now - heardAt;
      if (silentFor < Math.min(retention.endedMs, retention.answeredInvitationMs) || this.dirty.has(callId))
        continue;
      const shown = new Set(visible(call));
      for (const evidence of call.evidence.values()) {
        if (silentFor >= lifeOf(evidence, shown.has(evidence), retention)) over.push(evidence);
      }
    }
    return over;
  }

  /** Forgets what {@link expired} gave and Postgres no longer has. What was heard of since is written again. */
  forget(expired: readonly Evidence[]): void {
    for (const evidence of expired) {
      const entry = this.calls.get(evidence.callId);
      if (entry === undefined) continue;
      const key = dialogKey(evidence);
      if (entry.call.evidence.get(key) !== evidence) {
        this.dirty.add(evidence.callId);
        continue;
      }
      entry.call = withoutDialogs(entry.call, new Set([key]));
      if (entry.call.evidence.size === 0) this.calls.delete(evidence.callId);
    }
  }

  private keep(call: CallDialogs, now: number): void {
    const entry = this.calls.get(call.callId);
    if (entry === undefined) this.calls.set(call.callId, { call, heardAt: now });
    else Object.assign(entry, { call, heardAt: now });
  }
}

function lifeOf(evidence: Evidence, shown: boolean, retention: Retention): number {
  const dialog = viewOf(evidence);
  if (dialog === null || (isInvitation(dialog) && !shown)) return retention.answeredInvitationMs;
  if (dialog.state === 'ended') return retention.endedMs;
  return dialog.state === 'early' ? retention.earlyMs : retention.silentMs;
}
