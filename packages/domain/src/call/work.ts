import type { NotRestored } from '../resume.js';
import { optionsOf, splitArguments } from './app-data.js';
import type { LegPlace, LegRecord } from './call.js';
import type { MixMonitorPart, PlaceWork } from './place-work.js';

/** What was found out of a leg's work. */
export interface FoundWork {
  readonly work?: PlaceWork;
  readonly lost: readonly NotRestored[];
}

/** Those that had been entered so far are told by nothing. */
const DIGITS: readonly NotRestored[] = [{ what: 'digits', reason: 'begun-anew' }];

/** What the application that a leg is in needs to go on; nothing for one that is simply executed again. */
export function workOf(leg: LegRecord, remembered: LegPlace | undefined): FoundWork {
  const { appName, appData } = leg.dialplan;
  const args = splitArguments(appData);
  if (leg.activity?.parked !== undefined) return parking(leg, appName === 'Park' ? args : []);
  switch (appName) {
    case 'ConfBridge':
      return conference(leg, args, remembered);
    case 'Queue':
      return queue(leg, args);
    case 'Park':
      return unknown(`parked:${args[0] ?? ''}`);
    case 'Playback':
    case 'ControlPlayback':
      return playback(leg, args, appName === 'ControlPlayback');
    case 'BackGround':
      return { lost: [{ what: `playback:${args[0] ?? ''}`, reason: 'begun-anew' }, ...DIGITS] };
    case 'Read':
    case 'ReadExten':
    case 'WaitExten':
      return { lost: DIGITS };
    default:
      return { lost: [] };
  }
}

function conference(leg: LegRecord, args: readonly string[], remembered: LegPlace | undefined): FoundWork {
  const [name = '', bridgeProfile = '', user = '', menu = ''] = args;
  if (name === '') return { lost: [] };
  const before = remembered?.kind === 'dialplan' ? remembered.work : undefined;
  const userProfile = user !== '' || before?.app !== 'ConfBridge' ? user : before.userProfile;
  const work = { app: 'ConfBridge', name, bridgeProfile, userProfile, menu } as const;
  const told = leg.activity?.conference;
  if (told?.name !== name) {
    // Not told yet, or by nobody: what the recovery before knew is better than nothing.
    if (before?.app === 'ConfBridge' && before.name === name) return { work: before, lost: [] };
    return { work, ...unknown(`conference-user:${name}`) };
  }
  return { work: { ...work, ...told }, lost: [] };
}

function queue(leg: LegRecord, args: readonly string[]): FoundWork {
  const [name = ''] = args;
  const told = leg.activity?.queue;
  const since = told?.joinedAt ?? leg.activity?.dialplanSince;
  const work: PlaceWork = {
    app: 'Queue',
    args: [...args],
    ...(since === undefined ? {} : { joinedAt: since }),
    ...(told?.position === undefined ? {} : { position: told.position }),
    ...(told?.priority === undefined ? {} : { priority: told.priority }),
  };
  return told === undefined ? { work, ...unknown(`queue-position:${name}`) } : { work, lost: [] };
}

function parking(leg: LegRecord, [, options = '']: readonly string[]): FoundWork {
  const parked = leg.activity?.parked;
  if (parked === undefined) return { lost: [] };
  const { lot, space, parker, timeoutS } = parked;
  const until = parked.parkedAt === undefined || timeoutS === 0 ? null : parked.parkedAt + timeoutS * 1_000;
  const kept = [...optionsOf(options)]
    .filter(([option]) => !'stR'.includes(option))
    .map(([option, value]) => (value === '' ? option : `${option}(${value})`))
    .join('');
  return { work: { app: 'Park', lot, space, options: kept, parker, until }, lost: [] };
}

function playback(leg: LegRecord, args: readonly string[], isControlled: boolean): FoundWork {
  const [file = '', ...rest] = args;
  const since = leg.activity?.dialplanSince;
  const options = isControlled ? (rest[6] ?? '') : (rest[0] ?? '');
  // Of several files it is not told which one plays, and a text that is said has no place to go on at.
  const isOneFile = file !== '' && !file.includes('&') && !/say|mix/.test(options);
  if (since === undefined || !isOneFile)
    return file === '' ? { lost: [] } : { lost: [{ what: `playback:${file}`, reason: 'begun-anew' }] };
  const offsetMs = isControlled ? Number(/o\((\d+)\)/.exec(options)?.[1] ?? 0) : 0;
  const work = { app: 'Playback', file, startedAt: Math.max(0, since - offsetMs) } as const;
  return { work: isControlled ? { ...work, keys: rest.slice(0, 6) } : work, lost: [] };
}

function unknown(what: string): { lost: NotRestored[] } {
  return { lost: [{ what, reason: 'activity-unknown' }] };
}

/** The parts in which the recordings go on that the dialplan had begun on a leg. */
export function mixMonitorsOf(leg: LegRecord, remembered: LegPlace | undefined): MixMonitorPart[] {
  const before =
    remembered?.kind === 'dialplan' || remembered?.kind === 'dial-caller' ? remembered.mixMonitors : [];
  return (leg.activity?.mixMonitors ?? []).map(({ file, options, startedAt = leg.createdAt }) => {
    const known = before?.find((one) => one.file === file);
    const recording = known?.recording ?? file;
    const part = (known?.part ?? 1) + 1;
    // The files of one direction (`r`, `t`) are parts as well; what the part before wrote must stay.
    const next = (name: string): string =>
      known === undefined ? partName(name, part) : nextName(name, part);
    const [letters = '', ...command] = splitArguments(options);
    const inParts = [...optionsOf(letters)].map(([option, value]) =>
      value === '' ? option : `${option}(${option === 'r' || option === 't' ? next(value) : value})`,
    );
    const from = { name: file, startedAt };
    return {
      file: partName(recording, part),
      options: [inParts.join(''), ...command].join(','),
      recording,
      part,
      from,
    };
  });
}

/** `a/b.wav` → `a/b-2.wav`. */
function partName(file: string, part: number): string {
  return file.replace(/(\.[^./]*)?$/, (extension) => `-${part}${extension}`);
}

/** `b-2.wav` → `b-3.wav`. */
function nextName(file: string, part: number): string {
  return partName(file.replace(/-\d+(\.[^./]*)?$/, '$1'), part);
}

/** Features of `Dial` and `Queue` that the bridge of a recovered pair has not. */
const FEATURES = ['h', 'H', 't', 'T', 'k', 'K', 'w', 'W', 'x', 'X', 'e', 'F'];

/** What of a `Dial` or `Queue` that had joined two legs goes on: whether the dialplan does afterwards, and until when they may talk. */
export function joinedBy(leg: LegRecord): {
  readonly continues: boolean;
  /** Epoch ms. */
  readonly endsAt?: number;
  readonly lost: readonly NotRestored[];
} {
  const { appName, appData } = leg.dialplan;
  const args = splitArguments(appData);
  if (appName === 'Queue') {
    const options = optionsOf(args[1] ?? '');
    return { continues: options.has('c'), lost: featuresOf(options) };
  }
  if (appName !== 'Dial') return { continues: false, lost: [] };
  const options = optionsOf(args[2] ?? '');
  const continues = options.has('g');
  const lost = featuresOf(options);
  const limitMs = limitOf(options);
  if (limitMs === undefined) return { continues, lost };
  const since = leg.activity?.bridgedSince;
  if (since === undefined)
    return { continues, lost: [...lost, { what: 'dial-limit', reason: 'activity-unseen' }] };
  const warns = (options.get('L') ?? '').includes(':');
  return {
    continues,
    endsAt: since + limitMs,
    lost: warns ? [...lost, { what: 'dial-limit-warning', reason: 'not-supported' }] : lost,
  };
}

function featuresOf(options: ReadonlyMap<string, string>): NotRestored[] {
  return FEATURES.filter((option) => options.has(option)).map((option) => ({
    what: `dial-option:${option}`,
    reason: 'not-supported',
  }));
}

/** Longer than anybody talks; what is more is no time. */
const LONGEST_MS = 10 * 365 * 86_400_000;

/** `L(ms[:…])` and `S(seconds)`, ms; the shorter of the two. Asterisk reads whole numbers, and heeds nothing behind one. */
function limitOf(options: ReadonlyMap<string, string>): number | undefined {
  const times = [wholeOf(options.get('L')), wholeOf(options.get('S')) * 1_000].filter(
    (ms) => ms > 0 && ms <= LONGEST_MS,
  );
  return times.length === 0 ? undefined : Math.min(...times);
}

function wholeOf(text = ''): number {
  return Number(/^\s*(\d{1,15})/.exec(text)?.[1] ?? 0);
}
