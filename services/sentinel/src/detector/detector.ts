/**
 * The detector of one node: pure, told of the time with every observation.
 *
 * 1. A life is declared down on evidence only: its process is gone, it was fenced, it was bound to have killed itself, a
 *    successor lives that started when it was not up any more, or a person vouches for it. Silence alone never declares it.
 * 2. A life that was declared down stays down, whatever is heard of it later.
 * 3. Repeated evidence changes nothing.
 * 4. Silence of the agent is no silence of its Asterisk: one that answers the sentinel itself is not suspected.
 * 5. One witness with a sign of life speaks for a node, however many others are without.
 * 6. While a fence is under way its result decides; a heartbeat in between clears nothing.
 */
import type { Heartbeat, NodeEvent, NodeHistory, ProcessGone } from '@reinvite/domain';
import { arrive, forgive, noArrivals } from './arrivals.js';
import { onDeclaredDown, onFenced, onFenceFailed, onFencePutOff } from './fencing.js';
import { causeOf, hasBeenQuiet, patienceMs, signOfLifeMs } from './silence.js';
import type { DetectorSettings, Moment, Observation, Suspicion, Verdict, Watch } from './types.js';
import { clear, declareDown, downEvent, quiet, record } from './verdict.js';

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
    arrivals: noArrivals,
    upAt: null,
    unwell: null,
    unseenMs: null,
    suspicion: suspected ? suspicionFrom(null, now, settings) : null,
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
      return onHeartbeat(watch, observation.heartbeat, now, settings);
    case 'process-gone':
      return onProcessGone(watch, observation.gone, now);
    case 'tick':
      return onTick(watch, now, settings, observation.patience ?? 1);
    case 'answered':
      return onAnswered(watch, observation.incarnation, now);
    case 'hearing-restored':
      return quiet(restartClocks(watch, now, settings, observation.graceMs ?? 0));
    case 'fenced':
      return onFenced(watch, observation, now);
    case 'fence-failed':
      return onFenceFailed(watch, observation, now, settings);
    case 'fence-put-off':
      return onFencePutOff(watch, observation, now, settings);
    case 'declared-down':
      return onDeclaredDown(watch, observation, now);
  }
}

/**
 * Whether to ask the node's Asterisk itself how it is: its agent has been silent for a while, or has not met it yet, and nobody
 * else has said that it is well.
 */
export function wantsAnswer(watch: Watch, mono: number, settings: DetectorSettings): boolean {
  const { current } = watch.history;
  if (current === null || current.standing === 'down') return false;
  const patience = patienceMs(watch, settings);
  const agentKnows = mono - watch.heardAt <= patience && watch.unwell?.status !== 'starting';
  return !agentKnows && mono - watch.wellAt > patience;
}

function onAnswered(watch: Watch, incarnation: string, now: Moment): Verdict {
  // Another life than the one that is watched: whoever is configured there is no proof of anything.
  if (watch.history.current?.incarnation !== incarnation || watch.history.down.has(incarnation))
    return quiet(watch);
  // What its agent said last is not the latest any more: who supersedes it waits until it answers no longer.
  return wellSince({ ...watch, upAt: null }, now.mono, incarnation, now);
}

function onHeartbeat(watch: Watch, heartbeat: Heartbeat, now: Moment, settings: DetectorSettings): Verdict {
  const { incarnation, asterisk, intervalMs } = heartbeat;
  const signMs = signOfLifeMs(heartbeat);
  const heard: Watch = {
    ...watch,
    arrivals: arrive(watch.arrivals, intervalMs, now.mono),
    heardAt: now.mono,
    unwell: asterisk === 'up' ? null : { at: now.mono, status: asterisk },
    unseenMs: heartbeat.silences === undefined ? null : signMs,
  };
  const { current, down } = watch.history;
  if (incarnation !== null && down.has(incarnation))
    return { ...quiet(heard), revenant: asterisk === 'down' ? null : incarnation };
  if (incarnation !== null && incarnation !== current?.incarnation)
    return onOtherLife({ before: watch, heard }, incarnation, heartbeat, now, settings);
  const up: Watch = asterisk === 'up' && incarnation !== null ? { ...heard, upAt: heartbeat.at } : heard;
  // Of an Asterisk that its agent has not met yet the watched life may be the one that gives a sign.
  if (current === null || current.standing === 'down' || signMs === null) return quiet(up);
  return wellSince(up, now.mono - signMs, current.incarnation, now);
}

/** A sign of life that is younger than the suspicion ends it, save while a fence is under way. */
function wellSince(watch: Watch, mono: number, incarnation: string, now: Moment): Verdict {
  const well: Watch = { ...watch, wellAt: Math.max(watch.wellAt, mono) };
  const { suspicion } = well;
  if (suspicion === null || suspicion.fencing || mono <= suspicion.since) return quiet(well);
  return clear(well, incarnation, now);
}

/** Of a life that is not the current one, and was not declared down. That an unknown life is over proves nothing. */
function onOtherLife(
  { before, heard }: { readonly before: Watch; readonly heard: Watch },
  incarnation: string,
  { asterisk, at }: Heartbeat,
  now: Moment,
  settings: DetectorSettings,
): Verdict {
  const { current } = heard.history;
  const seen: NodeEvent = { type: 'NodeSeen', nodeId: heard.nodeId, incarnation, at: now.at };
  const anew: Watch = { ...heard, wellAt: now.mono, upAt: asterisk === 'up' ? at : null, suspicion: null };
  if (current === null || current.standing === 'down') return record(anew, [seen]);
  if (asterisk === 'down') return quiet(heard);
  switch (standingBeside(before, current.incarnation, incarnation, now, settings)) {
    case 'successor':
      return record(anew, [downEvent(heard, current.incarnation, 'superseded', null, now), seen]);
    case 'contradiction':
      return { ...quiet(before), second: incarnation };
    case 'too-early':
      return quiet(before);
  }
}

/**
 * A new life proves that the one before is over where that was not up any more when this one started, by the clock of the host that
 * both have: a node has one Asterisk. Of two that are up side by side neither is proof against the other. Where the one before is not
 * known to have been up lately by its agent, it may be without one, or not heard of yet: it is waited for.
 */
function standingBeside(
  watch: Watch,
  current: string,
  incarnation: string,
  now: Moment,
  settings: DetectorSettings,
): 'successor' | 'contradiction' | 'too-early' {
  const startedAt = Number(incarnation);
  // False also of a life that is named otherwise than by its start.
  if (!(startedAt > Number(current))) return 'contradiction';
  if (watch.upAt !== null) return watch.upAt < startedAt ? 'successor' : 'contradiction';
  return now.mono - watch.wellAt > patienceMs(watch, settings) ? 'successor' : 'too-early';
}

function onProcessGone(watch: Watch, gone: ProcessGone, now: Moment): Verdict {
  if (watch.history.down.has(gone.incarnation)) return quiet(watch);
  const { incarnation } = gone;
  // The agent that kills its Asterisk tells the death too, and often before it answers the fence.
  const isFenced = watch.suspicion?.fencing === true && watch.history.current?.incarnation === incarnation;
  const fenced: NodeEvent = {
    type: 'NodeFenced',
    nodeId: watch.nodeId,
    incarnation,
    at: now.at,
    by: 'agent',
  };
  const down = downEvent(watch, incarnation, isFenced ? 'fenced' : 'process-gone', gone, now, gone.agoMs);
  return declareDown(watch, isFenced ? [fenced] : [], down);
}

function onTick(watch: Watch, now: Moment, settings: DetectorSettings, patience: number): Verdict {
  const { current } = watch.history;
  if (current === null || current.standing === 'down') return quiet(watch);
  if (watch.suspicion === null) {
    if (!hasBeenQuiet(watch, now.mono, settings, patience)) return quiet(watch);
    const cause = causeOf(watch, now.mono, settings);
    const suspected: NodeEvent = {
      type: 'NodeSuspected',
      nodeId: watch.nodeId,
      incarnation: current.incarnation,
      at: now.at,
      cause,
      // Where hearing has just been restored nothing is held against it yet, and a hang may be as old as its agent says.
      forMs: Math.max(0, Math.round(now.mono - watch.wellAt), cause === 'hung' ? (watch.unseenMs ?? 0) : 0),
    };
    return record({ ...watch, suspicion: suspicionFrom(cause, now, settings) }, [suspected]);
  }
  if (watch.suspicion.fencing || now.mono < watch.suspicion.fenceAt) return quiet(watch);
  const fencing: Watch = { ...watch, suspicion: { ...watch.suspicion, fencing: true } };
  return { ...quiet(fencing), fence: current.incarnation };
}

function restartClocks(watch: Watch, now: Moment, settings: DetectorSettings, graceMs: number): Watch {
  const { suspicion } = watch;
  const arrivals = forgive(watch.arrivals);
  const from = now.mono + graceMs;
  // What the last heartbeat before said of witnesses is old by now.
  const anew: Watch = { ...watch, arrivals, heardAt: now.mono, unseenMs: null };
  if (suspicion === null) return { ...anew, wellAt: from };
  const fenceAt = Math.max(suspicion.fenceAt, from + settings.fenceAfterMs);
  return { ...anew, suspicion: { ...suspicion, fenceAt } };
}

/** A hang has been watched for its time by the agent, which looks once more before it kills: nothing else is waited for. */
function suspicionFrom(cause: Suspicion['cause'], now: Moment, settings: DetectorSettings): Suspicion {
  const wait = cause === 'hung' ? 0 : settings.fenceAfterMs;
  return { cause, since: now.mono, fencing: false, fenceTries: 0, putOff: null, fenceAt: now.mono + wait };
}
