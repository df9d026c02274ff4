import { evolveNode, type FactsTold, type NodeDown, type NodeEvent } from '@reinvite/domain';
import type { Evidence, Moment, Verdict, Watch } from './types.js';

/** Nothing to be recorded or done. */
export function quiet(watch: Watch): Verdict {
  return { watch, events: [], fence: null, revenant: null, second: null };
}

export function record(watch: Watch, events: readonly NodeEvent[]): Verdict {
  return {
    watch: { ...watch, history: events.reduce(evolveNode, watch.history) },
    events,
    fence: null,
    revenant: null,
    second: null,
  };
}

/** The suspicion is over, and nothing was done to the node. */
export function clear(watch: Watch, incarnation: string, now: Moment): Verdict {
  return record({ ...watch, suspicion: null }, [
    { type: 'NodeCleared', nodeId: watch.nodeId, incarnation, at: now.at },
  ]);
}

/** A former life's end says nothing about the suspicion of the current one. */
export function declareDown(watch: Watch, before: readonly NodeEvent[], down: NodeDown): Verdict {
  const ofCurrent = watch.history.current?.incarnation === down.incarnation;
  return record(ofCurrent ? { ...watch, suspicion: null } : watch, [...before, down]);
}

/**
 * @param told null without the agent's word: facts may still come then.
 * @param agoMs how long ago the evidence was seen, by the agent's word.
 */
export function downEvent(
  watch: Watch,
  incarnation: string,
  evidence: Evidence,
  told: FactsTold | null,
  now: Moment,
  agoMs = 0,
): NodeDown {
  const { lastFactSeq, factsComplete } = told ?? { lastFactSeq: null, factsComplete: false };
  return {
    type: 'NodeDown',
    nodeId: watch.nodeId,
    incarnation,
    at: Math.max(0, now.at - agoMs),
    evidence,
    lastFactSeq,
    ...(factsComplete === undefined ? {} : { factsComplete }),
  };
}
