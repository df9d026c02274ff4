import type { LegPlace } from '../call/call.js';
import { MAX_RECORDINGS, recordingsAt } from '../call/recordings.js';
import type { MixMonitorPart, PlaceWork } from '../call/place-work.js';

/** How long a replacement channel waits for its peer in the dialplan, s: longer than an attempt, so that both can come. */
const JOIN_TIMEOUT_S = 30;
/** How long it waits where it is known that nobody else will come. */
const ALONE_TIMEOUT_S = 1;
/** A time that is over by now is let end at once; 0 would stand for none. */
const AT_ONCE_S = 1;
/** The longest that `RecoveryBridge` takes. */
const LONGEST_TALK_S = 86_400;

type DialplanPlace = Extract<LegPlace, { kind: 'dialplan' }>;

/** Extension of our own dialplan in which an application goes on. */
const EXTENSION_OF = {
  ConfBridge: 'conference',
  Queue: 'queue',
  Park: 'park',
  Playback: 'playback',
} as const satisfies Record<PlaceWork['app'], string>;

/**
 * The extension of `deploy/asterisk/reinvite-extensions.conf` that sets up again what ran at a place before it goes on there; null
 * where the place is simply gone to.
 */
export function extensionOf({ work, mixMonitors }: DialplanPlace): string | null {
  if (work !== undefined) return EXTENSION_OF[work.app];
  return mixMonitors === undefined ? null : 'place';
}

/**
 * What that dialplan is told, as channel variables.
 * @param alone true where no other leg of the call comes back
 * @param at when the node died, epoch ms, where the place does not say it
 */
export function placeVariables(place: LegPlace, alone: boolean, at: number): Record<string, string> {
  if (place.kind === 'dial-callee') return joinTimeout(alone);
  if (place.kind !== 'dial-caller' && place.kind !== 'dialplan') return {};
  if (place.kind === 'dialplan' && extensionOf(place) === null) return {};
  const diedAt = place.diedAt ?? at;
  return {
    ...(place.kind === 'dial-caller' ? dialVariables(place, alone, diedAt) : {}),
    REINVITE_CONTEXT: place.context,
    REINVITE_EXTENSION: place.extension,
    REINVITE_PRIORITY: String(place.priority),
    ...(place.kind === 'dialplan' && place.work !== undefined ? workVariables(place.work, diedAt) : {}),
    ...recordingVariables(place.mixMonitors),
  };
}

/** What goes on at a place by the dialplan's own doing, as the audit names it. */
export function restoredByDialplan(place: LegPlace): string[] {
  if (place.kind === 'dial-caller')
    return [...(place.endsAt === undefined ? [] : ['dial-limit']), ...recordings(place)];
  if (place.kind !== 'dialplan') return [];
  return [...(place.work === undefined ? [] : [nameOf(place.work)]), ...recordings(place)];
}

function recordings(place: LegPlace): string[] {
  return recordingsAt(place).map(({ name }) => `recording:${name}`);
}

function nameOf(work: PlaceWork): string {
  switch (work.app) {
    case 'ConfBridge':
      return `conference:${work.name}`;
    case 'Queue':
      return `queue:${work.args[0] ?? ''}`;
    case 'Park':
      return `parked:${work.lot}@${work.space}`;
    case 'Playback':
      return `playback:${work.file}`;
  }
}

function joinTimeout(alone: boolean): Record<string, string> {
  return { REINVITE_JOIN_TIMEOUT: String(alone ? ALONE_TIMEOUT_S : JOIN_TIMEOUT_S) };
}

function dialVariables(
  { continues, endsAt }: Extract<LegPlace, { kind: 'dial-caller' }>,
  alone: boolean,
  diedAt: number,
): Record<string, string> {
  return {
    ...joinTimeout(alone),
    ...(continues ? { REINVITE_DIAL_CONTINUE: '1' } : {}),
    ...(endsAt === undefined
      ? {}
      : { REINVITE_DIAL_LIMIT: String(Math.min(LONGEST_TALK_S, secondsLeft(endsAt, diedAt))) }),
  };
}

function workVariables(work: PlaceWork, diedAt: number): Record<string, string> {
  switch (work.app) {
    case 'ConfBridge': {
      const { name, bridgeProfile, userProfile, menu } = work;
      return {
        // The user's profile is that which the variables make: one that is named would be taken instead.
        REINVITE_APP_DATA: [name, bridgeProfile, '', menu].join(','),
        REINVITE_USER_PROFILE: userProfile === '' ? 'default_user' : userProfile,
        ...yesNo('REINVITE_ADMIN', work.admin),
        ...yesNo('REINVITE_MARKED', work.marked),
        ...yesNo('REINVITE_WAIT_MARKED', work.waitMarked),
        ...yesNo('REINVITE_END_MARKED', work.endMarked),
        ...yesNo('REINVITE_STARTS_MUTED', work.muted),
      };
    }
    case 'Queue':
      return queueVariables(work, diedAt);
    case 'Park': {
      const { lot, space, options, parker, until } = work;
      const timeout = until === null ? 't(0)' : `t(${Math.ceil(secondsLeft(until, diedAt))})`;
      return {
        REINVITE_APP_DATA: `${lot},s${options}${timeout}`,
        REINVITE_SPACE: space,
        REINVITE_PARKER: parker,
      };
    }
    case 'Playback': {
      // `ControlPlayback` has keys to wind, whether they are named or not: they move by a millisecond.
      const keys = work.keys ?? ['1', '', '', '', '', ''];
      const padded = Array.from({ length: 6 }, (_, index) => keys[index] ?? '');
      const offsetMs = Math.max(0, Math.round(diedAt - work.startedAt));
      return { REINVITE_APP_DATA: [work.file, ...padded, `o(${offsetMs})`].join(',') };
    }
  }
}

function queueVariables(
  { args, position, joinedAt, priority }: Extract<PlaceWork, { app: 'Queue' }>,
  diedAt: number,
): Record<string, string> {
  const all = Array.from({ length: 9 }, (_, index) => args[index] ?? '');
  const timeoutS = Number.parseInt(all[4] ?? '', 10);
  if (joinedAt !== undefined && timeoutS > 0)
    all[4] = String(Math.ceil(secondsLeft(joinedAt + timeoutS * 1_000, diedAt)));
  all[8] = position === undefined ? '' : String(position);
  return {
    REINVITE_APP_DATA: all.join(','),
    REINVITE_QUEUE: all[0] ?? '',
    ...(position === undefined ? {} : { REINVITE_POSITION: String(position) }),
    ...(priority === undefined || priority === 0 ? {} : { QUEUE_PRIO: String(priority) }),
  };
}

function recordingVariables(parts: readonly MixMonitorPart[] = []): Record<string, string> {
  return Object.fromEntries(
    parts
      .slice(0, MAX_RECORDINGS)
      .map(({ file, options }, index) => [
        `REINVITE_MIXMONITOR_${index + 1}`,
        options === '' ? file : `${file},${options}`,
      ]),
  );
}

function yesNo(name: string, value: boolean | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: value ? 'yes' : 'no' };
}

function secondsLeft(until: number, now: number): number {
  return Math.max(AT_ONCE_S, (until - now) / 1_000);
}
