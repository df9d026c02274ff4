import { codedError } from '@reinvite/runtime';
import {
  applyMessage,
  dialogKey,
  emptyCall,
  joinCalls,
  lengthOfCall,
  visible,
  withoutDialogs,
  type CallDialogs,
  type Evidence,
  type Observed,
} from '@reinvite/sip';
import { packCall, unpackCall } from './packed-call.js';
import { lives, shortest, type Retention } from './retention.js';

/** A call of which nothing came for so long is packed. Setting up or ending one takes less. */
const CALM_MS = 5_000;

interface Entry {
  readonly callId: string;
  call: CallDialogs | string;
  /** When the last message came, by our own clock: those of the nodes may be wrong. */
  heardAt: number;
  /** When the first of its dialogs is over; known while it is packed. */
  dueAt: number;
  /** Whether Postgres may have something of it. */
  stored: boolean;
}

export interface LiveDialogsOptions {
  readonly retention: Retention;
  /** Call-IDs at most. */
  readonly maxCallIds: number;
}

/**
 * The dialogs in memory, by Call-ID, and which of them Postgres does not have yet.
 *
 * What could not be written is given back and taken again, so that a write that fails loses nothing.
 */
export class LiveDialogs {
  private readonly calls = new Map<string, Entry>();
  /** Those that are not packed, the ones that have been silent the longest first. */
  private readonly unpacked = new Map<string, Entry>();
  private readonly dirty = new Set<string>();
  /** Before, anything may be in Postgres. */
  private isLoaded = false;

  constructor(private readonly options: LiveDialogsOptions) {}

  /** Number of Call-IDs. */
  get size(): number {
    return this.calls.size;
  }

  /** Number of Call-IDs that are not written yet. */
  get unwritten(): number {
    return this.dirty.size;
  }

  /** Folds a message in. @param now epoch ms of our clock. @throws CodedError `LEDGER_FULL` */
  apply(observed: Observed, now: number): void {
    const { callId } = observed.message;
    const entry = this.calls.get(callId);
    const before = entry === undefined ? emptyCall(callId) : callOf(entry);
    const call = applyMessage(before, observed);
    if (call === before) return;
    if (entry === undefined && this.calls.size >= this.options.maxCallIds)
      throw codedError('LEDGER_FULL', `${this.calls.size} Call-IDs are in memory`);
    this.dirty.add(this.keep(entry ?? this.enter(callId), call, now).callId);
  }

  /** Joins what an earlier life of the ledger, or another ledger, had written with what has come in since. */
  adopt(stored: readonly Evidence[], now: number): void {
    for (const evidence of stored) {
      const { callId } = evidence;
      const known = this.calls.get(callId);
      const loaded = { callId, evidence: new Map([[dialogKey(evidence), evidence]]) };
      const call = known === undefined ? loaded : joinCalls(callOf(known), loaded);
      this.keep(known ?? this.enter(callId), call, now).stored = true;
    }
  }

  /** To be called when all that an earlier life had written was adopted. */
  loaded(): void {
    this.isLoaded = true;
  }

  /**
   * Takes Call-IDs that are to be written; they count as written from now on, unless they are given back.
   * @param limit Call-IDs at most, and characters of JSON after which no more are taken.
   */
  takeUnwritten(limit: { readonly callIds: number; readonly characters: number }): {
    readonly callIds: readonly string[];
    readonly evidence: readonly Evidence[];
  } {
    const callIds: string[] = [];
    const evidence: Evidence[] = [];
    let characters = 0;
    for (const callId of this.dirty) {
      if (callIds.length === limit.callIds || characters >= limit.characters) break;
      callIds.push(callId);
      const entry = this.calls.get(callId);
      if (entry === undefined) continue;
      entry.stored = true;
      const call = callOf(entry);
      characters += lengthOfCall(call);
      evidence.push(...visible(call));
    }
    for (const callId of callIds) this.dirty.delete(callId);
    return { callIds, evidence };
  }

  /** After a write, or a removal, that failed. */
  giveBack(callIds: readonly string[]): void {
    for (const callId of callIds) if (this.calls.has(callId)) this.dirty.add(callId);
  }

  /** Packs calls that have become calm, up to `limit`. @returns how many. */
  pack(now: number, limit: number): number {
    let packed = 0;
    for (const entry of this.unpacked.values()) {
      if (packed === limit || now - entry.heardAt < CALM_MS) break;
      this.packEntry(entry);
      packed += 1;
    }
    return packed;
  }

  /** Packs at once what is known of the Call-IDs of some evidence: what was loaded is calm, as a rule. */
  packAll(evidence: readonly Evidence[]): void {
    for (const callId of new Set(evidence.map((one) => one.callId))) {
      const entry = this.unpacked.get(callId);
      if (entry !== undefined) this.packEntry(entry);
    }
  }

  /**
   * What is over and may be in Postgres, as it stood at `now`; it is not written any more, unless it is given back. What is
   * over and never came to Postgres is forgotten at once: a call that came and went while it was away leaves nothing behind.
   * @param limit of dialogs, about; there may be more.
   */
  expired(now: number, limit: number): readonly Evidence[] {
    const { retention } = this.options;
    const over: Evidence[] = [];
    for (const entry of this.calls.values()) {
      if (over.length >= limit) break;
      const silentFor = now - entry.heardAt;
      if (silentFor < shortest(retention)) continue;
      if (typeof entry.call === 'string' && now < entry.dueAt) continue;
      const all = lives(callOf(entry), retention);
      const evidence = all.filter(([, life]) => silentFor >= life).map(([one]) => one);
      if (!entry.stored) this.forget(evidence, now);
      else if (evidence.length === all.length || !this.dirty.has(entry.callId)) {
        this.dirty.delete(entry.callId);
        over.push(...evidence);
      }
    }
    return over;
  }

  /**
   * Forgets what {@link expired} gave and Postgres no longer has. A call that was heard of since is written again.
   * @param asOf when it was given.
   */
  forget(expired: readonly Evidence[], asOf: number): void {
    for (const evidence of expired) {
      const entry = this.calls.get(evidence.callId);
      if (entry === undefined) continue;
      if (entry.heardAt >= asOf) {
        this.dirty.add(entry.callId);
        continue;
      }
      const left = withoutDialogs(callOf(entry), new Set([dialogKey(evidence)]));
      entry.call = left;
      if (left.evidence.size > 0) this.unpacked.set(entry.callId, entry);
      else for (const index of [this.calls, this.unpacked, this.dirty]) index.delete(entry.callId);
    }
  }

  private packEntry(entry: Entry): void {
    const call = callOf(entry);
    const shortestLife = Math.min(...lives(call, this.options.retention).map(([, life]) => life));
    entry.dueAt = entry.heardAt + shortestLife;
    entry.call = packCall(call);
    this.unpacked.delete(entry.callId);
  }

  private enter(callId: string): Entry {
    // A copy: a piece of a captured message would hold the whole of it.
    const own = Buffer.from(callId).toString();
    const entry: Entry = { callId: own, call: emptyCall(own), heardAt: 0, dueAt: 0, stored: !this.isLoaded };
    this.calls.set(own, entry);
    return entry;
  }

  private keep(entry: Entry, call: CallDialogs, now: number): Entry {
    entry.call = call;
    entry.heardAt = now;
    this.unpacked.delete(entry.callId);
    this.unpacked.set(entry.callId, entry);
    return entry;
  }
}

function callOf({ callId, call }: Entry): CallDialogs {
  return typeof call === 'string' ? unpackCall(callId, call) : call;
}
