/**
 * The detector of one node: pure, told of the time with every observation.
 *
 * 1. A life is declared down on evidence only: its process is gone, it was fenced, or a successor lives. Silence alone
 *    never declares it.
 * 2. A life that was declared down stays down, whatever is heard of it later.
 * 3. Repeated evidence changes nothing.
 * 4. Silence of the agent is no silence of its Asterisk: one that answers the sentinel itself is not suspected.
 * 5. While a fence is under way its result decides; a heartbeat in between clears nothing.
 */
import {
  evolveNode,
  type Heartbeat,
  type NodeDown,
  type NodeEvent,
  type NodeHistory,
  type ProcessGone,
} from '@reinvite/domain';
import type { DetectorSettings, Moment, Observation, Suspicion, Verdict, Watch } from './types.js';

/** So many heartbeats must be missing, however short `suspectAfterMs` is. */
const MISSED_BEATS = 3;
/** A node is asked itself when nothing was heard of it for this share of the time after which it is suspected. */
const ASK_SHARE = 2;
const MAX_FENCE_PAUSE_MS = 60_000;

/** Begins to watch a node with what is recorded of it; a suspicion of before begins anew. */
export function startWatch(
  nodeId: string,
  history: NodeHistory,
  now: Moment,
  settings: DetectorSettings,
): Watch {
  const suspected = history.current?.standing === 'suspected';
  return {
    nodeId,
    history,
    wellAt: now.mono,
    heardAt: now.mono,
    intervalMs: 0,
    unwell: null,
    suspicion: suspected ? suspicionFrom(now, settings) : null,
  };
}

export function observe(
  watch: Watch,
  observation: Observation,
  now: Moment,
  settings: DetectorSettings,
): Verdict {
  switch (observation.kind) {
    case 'heartbeat':
      return onHeartbeat(watch, observation.heartbeat, now);
    case 'process-gone':
      return onProcessGone(watch, observation.gone, now);
    case 'tick':
      return onTick(watch, now, settings);
    case 'answered':
      return onAnswered(watch, observation.incarnation, now);
    case 'hearing-restored':
      return quiet(restartClocks(watch, now, settings));
    case 'fenced':
      return onFenced(watch, observation, now);
    case 'fence-failed':
      return onFenceFailed(watch, observation, now, settings);
  }
}

/**
 * Whether to ask the node's Asterisk itself how it is: its agent has been silent for a while, and nobody else has said that it
 * is well.
 */
export function wantsAnswer(watch: Watch, mono: number, settings: DetectorSettings): boolean {
  const { current } = watch.history;
  if (current === null || current.standing === 'down') return false;
  const patience = silenceLimit(watch, settings) / ASK_SHARE;
  return mono - watch.heardAt > patience && mono - watch.wellAt > patience;
}

function onAnswered(watch: Watch, incarnation: string, now: Moment): Verdict {
  // Another life than the one that is watched: whoever is configured there is no proof of anything.
  if (watch.history.current?.incarnation !== incarnation || watch.history.down.has(incarnation))
    return quiet(watch);
  const well: Watch = { ...watch, wellAt: now.mono };
  return well.suspicion === null || well.suspicion.fencing ? quiet(well) : clear(well, incarnation, now);
}

function onHeartbeat(watch: Watch, heartbeat: Heartbeat, now: Moment): Verdict {
  const { intervalMs } = heartbeat;
  const heard: Watch = { ...watch, intervalMs, heardAt: now.mono, unwell: unwellOf(heartbeat, now) };
  const { incarnation } = heartbeat;
  const { current, down } = watch.history;
  if (incarnation === null || down.has(incarnation)) return quiet(heard);
  if (incarnation !== current?.incarnation) return onNewLife(heard, incarnation, heartbeat, now);
  if (heartbeat.asterisk !== 'up') return quiet(heard);
  const well: Watch = { ...heard, wellAt: now.mono };
  if (well.suspicion === null || well.suspicion.fencing) return quiet(well);
  return clear(well, incarnation, now);
}

/** A new life proves that the one before is over: a node has one Asterisk. That an unknown life is over proves nothing. */
function onNewLife(watch: Watch, incarnation: string, heartbeat: Heartbeat, now: Moment): Verdict {
  const { current } = watch.history;
  const superseded = current !== null && current.standing !== 'down';
  if (superseded && heartbeat.asterisk === 'down') return quiet(watch);
  const seen: NodeEvent = { type: 'NodeSeen', nodeId: watch.nodeId, incarnation, at: now.at };
  const events: NodeEvent[] = superseded
    ? [downEvent(watch, current.incarnation, 'superseded', null, now), seen]
    : [seen];
  return record({ ...watch, wellAt: now.mono, suspicion: null }, events);
}

function onProcessGone(watch: Watch, gone: ProcessGone, now: Moment): Verdict {
  if (watch.history.down.has(gone.incarnation)) return quiet(watch);
  const { incarnation, lastFactSeq, factsComplete } = gone;
  // The agent that kills its Asterisk tells the death too, and often before it answers the fence.
  const isFenced = watch.suspicion?.fencing === true && watch.history.current?.incarnation === incarnation;
  const fenced: NodeEvent = {
    type: 'NodeFenced',
    nodeId: watch.nodeId,
    incarnation,
    at: now.at,
    by: 'agent',
  };
  const down = downEvent(watch, incarnation, isFenced ? 'fenced' : 'process-gone', lastFactSeq, now);
  const complete = factsComplete === undefined ? down : { ...down, factsComplete };
  return declareDown(watch, isFenced ? [fenced] : [], complete);
}

function onTick(watch: Watch, now: Moment, settings: DetectorSettings): Verdict {
  const { current } = watch.history;
  if (current === null || current.standing === 'down') return quiet(watch);
  if (watch.suspicion === null) {
    const forMs = now.mono - watch.wellAt;
    if (forMs <= silenceLimit(watch, settings)) return quiet(watch);
    const cause =
      watch.unwell !== null && now.mono - watch.unwell.at <= settings.suspectAfterMs
        ? watch.unwell.status
        : 'silent';
    const suspected: NodeEvent = {
      type: 'NodeSuspected',
      nodeId: watch.nodeId,
      incarnation: current.incarnation,
      at: now.at,
      cause,
      forMs: Math.round(forMs),
    };
    return record({ ...watch, suspicion: suspicionFrom(now, settings) }, [suspected]);
  }
  if (watch.suspicion.fencing || now.mono < watch.suspicion.fenceAt) return quiet(watch);
  const fencing: Watch = { ...watch, suspicion: { ...watch.suspicion, fencing: true } };
  return { watch: fencing, events: [], fence: current.incarnation };
}

/** How long a node may be silent, ms. */
function silenceLimit(watch: Watch, { suspectAfterMs }: DetectorSettings): number {
  return Math.max(suspectAfterMs, MISSED_BEATS * watch.intervalMs);
}

function onFenced(watch: Watch, fenced: Extract<Observation, { kind: 'fenced' }>, now: Moment): Verdict {
  const { incarnation, by, lastFactSeq } = fenced;
  if (watch.history.down.has(incarnation)) return quiet(watch);
  const event: NodeEvent = { type: 'NodeFenced', nodeId: watch.nodeId, incarnation, at: now.at, by };
  return declareDown(watch, [event], downEvent(watch, incarnation, 'fenced', lastFactSeq, now));
}

function onFenceFailed(
  watch: Watch,
  failed: Extract<Observation, { kind: 'fence-failed' }>,
  now: Moment,
  settings: DetectorSettings,
): Verdict {
  const { incarnation, reason } = failed;
  const { suspicion, history } = watch;
  if (suspicion === null || history.current?.incarnation !== incarnation) return quiet(watch);
  const tries = suspicion.fenceTries + 1;
  const event: NodeEvent = {
    type: 'FenceFailed',
    nodeId: watch.nodeId,
    incarnation,
    at: now.at,
    tries,
    reason,
  };
  const pause = Math.min(settings.fenceAfterMs * 2 ** tries, MAX_FENCE_PAUSE_MS);
  const waiting: Watch = {
    ...watch,
    suspicion: { ...suspicion, fencing: false, fenceTries: tries, fenceAt: now.mono + pause },
  };
  const after = record(waiting, [event]);
  const wellAgain = watch.wellAt > suspicion.since && now.mono - watch.wellAt <= settings.suspectAfterMs;
  if (!wellAgain) return after;
  const cleared = clear(after.watch, incarnation, now);
  return { ...cleared, events: [...after.events, ...cleared.events] };
}

function restartClocks(watch: Watch, now: Moment, settings: DetectorSettings): Watch {
  const { suspicion } = watch;
  if (suspicion === null) return { ...watch, wellAt: now.mono, heardAt: now.mono };
  return {
    ...watch,
    heardAt: now.mono,
    suspicion: { ...suspicion, fenceAt: Math.max(suspicion.fenceAt, now.mono + settings.fenceAfterMs) },
  };
}

function clear(watch: Watch, incarnation: string, now: Moment): Verdict {
  return record({ ...watch, suspicion: null }, [
    { type: 'NodeCleared', nodeId: watch.nodeId, incarnation, at: now.at },
  ]);
}

/** A former life's end says nothing about the suspicion of the current one. */
function declareDown(watch: Watch, before: readonly NodeEvent[], down: NodeDown): Verdict {
  const ofCurrent = watch.history.current?.incarnation === down.incarnation;
  return record(ofCurrent ? { ...watch, suspicion: null } : watch, [...before, down]);
}

function downEvent(
  watch: Watch,
  incarnation: string,
  evidence: NodeDown['evidence'],
  lastFactSeq: number | null,
  now: Moment,
): NodeDown {
  return { type: 'NodeDown', nodeId: watch.nodeId, incarnation, at: now.at, evidence, lastFactSeq };
}

function unwellOf({ asterisk }: Heartbeat, now: Moment): Watch['unwell'] {
  return asterisk === 'up' ? null : { at: now.mono, status: asterisk };
}

function suspicionFrom(now: Moment, settings: DetectorSettings): Suspicion {
  return { since: now.mono, fencing: false, fenceTries: 0, fenceAt: now.mono + settings.fenceAfterMs };
}

function record(watch: Watch, events: readonly NodeEvent[]): Verdict {
  return { watch: { ...watch, history: events.reduce(evolveNode, watch.history) }, events, fence: null };
}

function quiet(watch: Watch): Verdict {
  return { watch, events: [], fence: null };
}
