import type { BridgeGone, BridgeObserved, CallFact, LegGone, LegObserved } from '@reinvite/domain';

/** A fact with its JetStream sequence. */
export interface SequencedFact {
  readonly seq: number;
  readonly message: CallFact;
}

/** The last word about one leg or bridge: the seq of the last fact, and when it went, null while it lives. */
interface Latest {
  readonly factSeq: number;
  readonly goneAt: number | null;
}

export type LegRow = LegObserved &
  Latest & {
    readonly cause: number | null;
    /** When it was first seen up, epoch ms; null where it was not. */
    readonly answeredAt: number | null;
  };
export type LegEnd = LegGone & Latest;
export type BridgeRow = BridgeObserved & Latest;
export type BridgeEnd = BridgeGone & Latest;

/** Recordings of a leg or bridge that go on, by name; those of it that do not have ended at `at`. */
export interface RecordingsNow {
  readonly nodeId: string;
  readonly incarnation: string;
  readonly targetId: string;
  readonly recordings: readonly {
    readonly name: string;
    readonly format: string;
    readonly startedAt: number;
  }[];
  readonly at: number;
}

/** What was last observed before `before` is gone; 'stored': before the `NodeSyncing` of an earlier batch. */
export interface Sweep {
  readonly nodeId: string;
  readonly incarnation: string;
  readonly before: number | 'stored';
  readonly at: number;
}

export interface IncarnationRow {
  readonly nodeId: string;
  readonly incarnation: string;
  readonly firstSeenAt: number;
  /** Seq of the last `NodeSyncing`, null where the batch has none. */
  readonly syncingSeq: number | null;
  readonly syncedAt: number | null;
}

/** What a batch of facts changes, one row per key, to be written in this order. */
export interface CallRecordChanges {
  /** Observed in this batch, and perhaps gone again. */
  readonly legs: readonly LegRow[];
  /** Gone, and observed only before this batch. */
  readonly legEnds: readonly LegEnd[];
  readonly bridges: readonly BridgeRow[];
  readonly bridgeEnds: readonly BridgeEnd[];
  /** Of every leg and bridge that the batch tells of. */
  readonly recordings: readonly RecordingsNow[];
  readonly sweeps: readonly Sweep[];
  readonly incarnations: readonly IncarnationRow[];
}

/**
 * Folds facts, in the order of their stream, to what they change in all. Legs and bridges come before sweeps: a sweep goes by
 * sequence, so what was observed after the `NodeSyncing` stays.
 */
export function foldFacts(facts: readonly SequencedFact[]): CallRecordChanges {
  const legs = new Map<string, LegRow>();
  const legEnds = new Map<string, LegEnd>();
  const bridges = new Map<string, BridgeRow>();
  const bridgeEnds = new Map<string, BridgeEnd>();
  const recordings = new Map<string, RecordingsNow>();
  const sweeps = new Map<string, Sweep>();
  const incarnations = new Map<string, IncarnationRow>();

  for (const { seq: factSeq, message: fact } of facts) {
    const { nodeId, incarnation, at } = fact;
    const life = keyOf(nodeId, incarnation);
    const known = incarnations.get(life) ?? {
      nodeId,
      incarnation,
      firstSeenAt: at,
      syncingSeq: null,
      syncedAt: null,
    };
    incarnations.set(life, known);
    const now = recordingsNow(fact);
    if (now !== undefined) recordings.set(keyOf(life, now.targetId), now);
    switch (fact.type) {
      case 'LegObserved': {
        const key = keyOf(life, fact.channelId);
        const answeredAt = legs.get(key)?.answeredAt ?? (fact.state === 'Up' ? at : null);
        legs.set(key, { ...fact, factSeq, goneAt: null, cause: null, answeredAt });
        legEnds.delete(key);
        break;
      }
      case 'LegGone': {
        const key = keyOf(life, fact.channelId);
        const leg = legs.get(key);
        if (leg === undefined) legEnds.set(key, { ...fact, factSeq, goneAt: at });
        else legs.set(key, { ...leg, factSeq, goneAt: at, cause: fact.cause });
        break;
      }
      case 'BridgeObserved': {
        const key = keyOf(life, fact.bridgeId);
        bridges.set(key, { ...fact, factSeq, goneAt: null });
        bridgeEnds.delete(key);
        break;
      }
      case 'BridgeGone': {
        const key = keyOf(life, fact.bridgeId);
        const bridge = bridges.get(key);
        if (bridge === undefined) bridgeEnds.set(key, { ...fact, factSeq, goneAt: at });
        else bridges.set(key, { ...bridge, factSeq, goneAt: at });
        break;
      }
      case 'NodeSyncing':
        incarnations.set(life, { ...known, syncingSeq: factSeq });
        break;
      case 'NodeSynced':
        incarnations.set(life, { ...known, syncedAt: at });
        sweeps.set(life, { nodeId, incarnation, before: known.syncingSeq ?? 'stored', at });
        break;
    }
  }
  return {
    legs: [...legs.values()],
    legEnds: [...legEnds.values()],
    bridges: [...bridges.values()],
    bridgeEnds: [...bridgeEnds.values()],
    recordings: [...recordings.values()],
    sweeps: [...sweeps.values()],
    incarnations: [...incarnations.values()],
  };
}

/** One that has gone records no more. */
function recordingsNow(fact: CallFact): RecordingsNow | undefined {
  const { nodeId, incarnation, at } = fact;
  const of = (targetId: string, recordings: RecordingsNow['recordings'] = []): RecordingsNow => ({
    nodeId,
    incarnation,
    targetId,
    recordings,
    at,
  });
  switch (fact.type) {
    case 'LegObserved':
      return of(fact.channelId, fact.activity?.recordings);
    case 'BridgeObserved':
      return of(fact.bridgeId, fact.activity?.recordings);
    case 'LegGone':
      return of(fact.channelId);
    case 'BridgeGone':
      return of(fact.bridgeId);
    default:
      return undefined;
  }
}

function keyOf(...parts: readonly string[]): string {
  return parts.join('\u0000');
}
