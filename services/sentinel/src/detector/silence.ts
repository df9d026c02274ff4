import type { Heartbeat } from '@reinvite/domain';
import { phi } from './arrivals.js';
import type { Cause, DetectorSettings, Watch } from './types.js';

/** So many heartbeats must be missing, however short `suspectAfterMs` is. */
const MISSED_BEATS = 3;
/** A node is asked itself when nothing was heard of it for this share of the time after which it is suspected. */
const ASK_SHARE = 2;
/** Asterisk starts in seconds, or in half a minute where DNS does not answer. */
const STARTING_MS = 30_000;

/**
 * How long ago, ms, the latest sign of life was that a heartbeat tells of: what any one of the witnesses has seen counts. Null
 * where it tells of none.
 */
export function signOfLifeMs({ asterisk, silences }: Heartbeat): number | null {
  if (silences === undefined) return asterisk === 'up' ? 0 : null;
  const { ariMs, sipMs, tasksMs } = silences;
  return Math.min(ariMs, sipMs ?? Infinity, tasksMs ?? Infinity);
}

/** For how long nothing must have been heard before the node itself is asked, ms. */
export function patienceMs(watch: Watch, settings: DetectorSettings): number {
  return atLeastMs(watch, settings) / ASK_SHARE;
}

/** Whether the node has been without a sign of life for so long that it is suspected. */
export function hasBeenQuiet(
  watch: Watch,
  mono: number,
  settings: DetectorSettings,
  patience: number,
): boolean {
  const quietMs = mono - watch.wellAt;
  switch (causeOf(watch, mono, settings)) {
    case 'hung':
      if ((watch.unseenMs ?? 0) < settings.hangAfterMs) return false;
      // What runs there is a life that nobody has met: it boots, and has none of the watched life's calls.
      return watch.unwell?.status !== 'starting' || quietMs > STARTING_MS;
    case 'silent':
      return isTooSilent(watch, quietMs, settings, patience);
    default:
      // What an agent says without witnesses: that its Asterisk is not up.
      return quietMs > atLeastMs(watch, settings);
  }
}

/** What a suspicion would rest on now. */
export function causeOf(watch: Watch, mono: number, settings: DetectorSettings): Cause {
  const agentIsHeard = mono - watch.heardAt <= atLeastMs(watch, settings);
  if (!agentIsHeard || watch.unwell === null) {
    return agentIsHeard && watch.unseenMs !== null ? 'hung' : 'silent';
  }
  return watch.unseenMs === null ? watch.unwell.status : 'hung';
}

function isTooSilent(watch: Watch, silentMs: number, settings: DetectorSettings, patience: number): boolean {
  const atLeast = atLeastMs(watch, settings);
  const atMost = Math.max(atLeast, settings.suspectWithinMs);
  const usualMs = silentMs / patience;
  if (usualMs > atMost) return true;
  return usualMs > atLeast && phi(watch.arrivals, usualMs) >= settings.suspicionLevel;
}

function atLeastMs({ arrivals }: Watch, { suspectAfterMs }: DetectorSettings): number {
  return Math.max(suspectAfterMs, MISSED_BEATS * arrivals.intervalMs);
}
