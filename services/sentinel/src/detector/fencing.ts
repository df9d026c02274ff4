import type { NodeEvent } from '@reinvite/domain';
import type { DetectorSettings, Moment, Observation, Verdict, Watch } from './types.js';
import { clear, declareDown, downEvent, quiet, record } from './verdict.js';

const MAX_FENCE_PAUSE_MS = 60_000;
/** A fence that others, or an edge, still keep from being done by then needs a person: longer than any of them takes to notice. */
const PUT_OFF_TOLD_MS = 10_000;

type Told<K extends Observation['kind']> = Extract<Observation, { kind: K }>;

export function onFenced(watch: Watch, fenced: Told<'fenced'>, now: Moment): Verdict {
  const { incarnation, by, told, agoMs, agreedBy } = fenced;
  if (watch.history.down.has(incarnation)) return quiet(watch);
  const event: NodeEvent = {
    type: 'NodeFenced',
    nodeId: watch.nodeId,
    incarnation,
    at: now.at,
    by,
    ...(agreedBy === undefined ? {} : { agreedBy: [...agreedBy] }),
  };
  const evidence = by === 'lease' ? 'lease-expired' : 'fenced';
  return declareDown(watch, [event], downEvent(watch, incarnation, evidence, told, now, agoMs));
}

export function onFenceFailed(
  watch: Watch,
  { incarnation, reason }: Told<'fence-failed'>,
  now: Moment,
  settings: DetectorSettings,
): Verdict {
  const { suspicion, history, nodeId } = watch;
  if (suspicion === null || history.current?.incarnation !== incarnation) return quiet(watch);
  const tries = suspicion.fenceTries + 1;
  const event: NodeEvent = { type: 'FenceFailed', nodeId, incarnation, at: now.at, tries, reason };
  const pause = Math.min(settings.fenceAfterMs * 2 ** tries, MAX_FENCE_PAUSE_MS);
  const waiting = { ...suspicion, fencing: false, fenceTries: tries, fenceAt: now.mono + pause };
  const after = record({ ...watch, suspicion: waiting }, [event]);
  const cleared = clearedIfWell(after.watch, incarnation, now, settings);
  return { ...cleared, events: [...after.events, ...cleared.events] };
}

export function onFencePutOff(
  watch: Watch,
  { incarnation, waitMs, reason }: Told<'fence-put-off'>,
  now: Moment,
  settings: DetectorSettings,
): Verdict {
  const { suspicion, history, nodeId } = watch;
  if (suspicion === null || history.current?.incarnation !== incarnation) return quiet(watch);
  // The first wait may be for a lease that runs out, and has its time.
  const before = suspicion.putOff ?? { since: now.mono + waitMs, told: false };
  const told = before.told || now.mono - before.since >= PUT_OFF_TOLD_MS;
  const waiting = {
    ...{ ...suspicion, fencing: false, fenceAt: now.mono + waitMs },
    putOff: { ...before, told },
  };
  const cleared = clearedIfWell({ ...watch, suspicion: waiting }, incarnation, now, settings);
  if (told === before.told || cleared.watch.suspicion === null) return cleared;
  const why = `put off for ${Math.round((now.mono - before.since) / 1_000)} s: ${reason}`;
  const tries = suspicion.fenceTries + 1;
  const event: NodeEvent = { type: 'FenceFailed', nodeId, incarnation, at: now.at, tries, reason: why };
  return { ...record(cleared.watch, [event]), revenant: cleared.revenant };
}

/** What was heard while the fence was under way counts once its result is there. */
function clearedIfWell(watch: Watch, incarnation: string, now: Moment, settings: DetectorSettings): Verdict {
  const { suspicion, wellAt } = watch;
  const wellAgain =
    suspicion !== null && wellAt > suspicion.since && now.mono - wellAt <= settings.suspectAfterMs;
  return wellAgain ? clear(watch, incarnation, now) : quiet(watch);
}

/** A person's word ends the current life; of a life that is over already it changes nothing. */
export function onDeclaredDown(
  watch: Watch,
  { requestedBy, reason }: Told<'declared-down'>,
  now: Moment,
): Verdict {
  const { current } = watch.history;
  if (current === null || current.standing === 'down') return quiet(watch);
  const { incarnation } = current;
  const declared: NodeEvent = {
    type: 'NodeDeclaredDown',
    nodeId: watch.nodeId,
    incarnation,
    at: now.at,
    requestedBy,
    reason,
  };
  return declareDown(watch, [declared], downEvent(watch, incarnation, 'operator', null, now));
}
