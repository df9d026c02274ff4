import type { NotRestored } from '../resume.js';
import { stasisAppOf } from './app-data.js';
import { RECOVERED_CONTEXT, type CallJoin, type LegPlace, type LegRecord, type RestoredLeg } from './call.js';

import { wasDialled, type LegGroup } from './group-legs.js';
import { MAX_RECORDINGS } from './recordings.js';
import { joinedBy, mixMonitorsOf, workOf } from './work.js';

/** How many legs the bridge of a pair takes. */
const PAIR = 2;

/** What Asterisk says that a channel runs which ARI has originated, until it is in its application: of that no event tells. */
const ORIGINATED = 'AppDial2';

/** How the legs of a group were joined, and so how their replacements are to be. */
export function joinOf(group: LegGroup): CallJoin {
  const { bridge } = group;
  if (bridge?.bridgeClass === 'stasis') {
    return {
      kind: 'ari-bridge',
      bridgeId: bridge.bridgeId,
      bridgeType: bridge.bridgeType,
      name: bridge.name,
    };
  }
  if (bridge?.bridgeClass === 'basic') return { kind: 'dialplan' };
  if (bridge === null && group.pendingJoin !== null && group.legs.length > 1) return group.pendingJoin;
  if (
    bridge === null &&
    group.legs.length > 1 &&
    (answeredDial(group.legs) || waitForEachOther(group.legs))
  ) {
    return { kind: 'dialplan' };
  }
  return { kind: 'none' };
}

/**
 * Where a leg of a group was. A replacement channel that is on its way into its application, or waits in our own context, was
 * where it is remembered to have been.
 */
export function placeOf(
  leg: LegRecord,
  group: LegGroup,
  join: CallJoin,
  remembered: RestoredLeg | undefined,
): LegPlace {
  const app = leg.stasisApp ?? (leg.dialplan.appName === 'Stasis' ? stasisAppOf(leg.dialplan.appData) : null);
  if (app !== null) return { kind: 'stasis', app };
  const joinedLegs = group.bridge?.channelIds.length ?? 0;
  if (join.kind === 'dialplan' && joinedLegs > PAIR) return { kind: 'nowhere', reason: 'bridge-unsupported' };
  if (remembered?.place.kind === 'stasis' && leg.dialplan.appName === ORIGINATED) return remembered.place;
  if (leg.activity?.parked !== undefined) return parkedPlace(leg, remembered?.place);
  if (leg.dialplan.context === RECOVERED_CONTEXT)
    return recoveredPlace(leg, remembered?.place) ?? { kind: 'nowhere', reason: 'no-continuation' };
  return dialplanPlace(leg, join, remembered?.place);
}

/** In a dialplan of our own it is still at the place that is remembered; what goes on there is seen anew. */
function recoveredPlace(leg: LegRecord, place: LegPlace | undefined): LegPlace | undefined {
  if (place?.kind === 'dial-caller') {
    const { context, extension, priority, continues, endsAt, lost } = place;
    const limit = endsAt === undefined ? {} : { endsAt };
    const at = { context, extension, priority };
    return {
      kind: 'dial-caller',
      ...at,
      continues,
      ...limit,
      ...partsOf(leg, place),
      ...lostOf(lost ?? [], leg),
    };
  }
  if (place?.kind !== 'dialplan' || place.work === undefined) return place;
  const { work, lost } = workOf(leg, place);
  // On the way to its application: what was left when its node before died is left still.
  if (work?.app !== place.work.app) return place;
  const { context, extension, priority } = place;
  return {
    kind: 'dialplan',
    context,
    extension,
    priority,
    work,
    ...lostOf(lost, leg),
    ...partsOf(leg, place),
  };
}

/** A parked call is in no application of its own, whoever parked it. One that had been dialled has no place to go on at afterwards. */
function parkedPlace(leg: LegRecord, remembered: LegPlace | undefined): LegPlace {
  const { work, lost } = workOf(leg, remembered);
  const { context, extension, priority } = leg.dialplan;
  const over = { context: RECOVERED_CONTEXT, extension: 'over', priority: 1 };
  const isOurs = context === RECOVERED_CONTEXT;
  const hadPlace = remembered?.kind === 'dialplan' || remembered?.kind === 'dial-caller';
  const isKnown = !isOurs && !wasDialled(leg) && context !== '' && extension !== '' && priority >= 1;
  const at =
    isOurs && hadPlace
      ? { context: remembered.context, extension: remembered.extension, priority: remembered.priority }
      : isKnown
        ? { context, extension, priority }
        : over;
  return {
    kind: 'dialplan',
    ...at,
    ...(work === undefined ? {} : { work }),
    ...partsOf(leg, remembered),
    ...lostOf(lost, leg),
  };
}

function partsOf(leg: LegRecord, place: LegPlace | undefined): Pick<DialplanPlace, 'mixMonitors'> {
  const mixMonitors = mixMonitorsOf(leg, place).slice(0, MAX_RECORDINGS);
  return mixMonitors.length === 0 ? {} : { mixMonitors };
}

/** What is lost, and the recordings beyond those that the dialplan begins again. */
function lostOf(lost: readonly NotRestored[], leg: LegRecord): Pick<DialplanPlace, 'lost'> {
  const recordings = (leg.activity?.mixMonitors ?? []).slice(MAX_RECORDINGS);
  const all = [
    ...lost,
    ...recordings.map(({ file }) => ({ what: `recording:${file}`, reason: 'not-supported' })),
  ];
  return all.length === 0 ? {} : { lost: all };
}

type DialplanPlace = Extract<LegPlace, { kind: 'dialplan' }>;

function dialplanPlace(leg: LegRecord, join: CallJoin, remembered: LegPlace | undefined): LegPlace {
  const { context, extension, priority } = leg.dialplan;
  if (wasDialled(leg)) {
    return join.kind === 'dialplan'
      ? { kind: 'dial-callee' }
      : { kind: 'nowhere', reason: 'no-continuation' };
  }
  if (context === '' || extension === '' || priority < 1)
    return { kind: 'nowhere', reason: 'no-continuation' };
  const at = { context, extension, priority };
  const parts = partsOf(leg, remembered);
  if (join.kind !== 'dialplan') {
    const { work, lost } = workOf(leg, remembered);
    return {
      kind: 'dialplan',
      ...at,
      ...(work === undefined ? {} : { work }),
      ...parts,
      ...lostOf(lost, leg),
    };
  }
  const { continues, endsAt, lost } = joinedBy(leg);
  const limit = endsAt === undefined ? {} : { endsAt };
  return { kind: 'dial-caller', ...at, continues, ...limit, ...parts, ...lostOf(lost, leg) };
}

/** The callee has answered and the crash came before the bridge was seen. */
function answeredDial(legs: readonly LegRecord[]): boolean {
  return (
    legs.some((leg) => wasDialled(leg) && leg.state === 'Up') &&
    legs.some((leg) => leg.dialplan.appName === 'Dial')
  );
}

function waitForEachOther(legs: readonly LegRecord[]): boolean {
  return legs.every(
    ({ dialplan }) => dialplan.context === RECOVERED_CONTEXT && dialplan.extension.startsWith('dial-'),
  );
}
