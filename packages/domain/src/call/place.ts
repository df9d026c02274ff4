import { dialGoesOn, stasisAppOf } from './app-data.js';
import { RECOVERED_CONTEXT, type CallJoin, type LegPlace, type LegRecord, type RestoredLeg } from './call.js';
import { wasDialled, type LegGroup } from './group-legs.js';

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
  if (leg.dialplan.context === RECOVERED_CONTEXT)
    return remembered?.place ?? { kind: 'nowhere', reason: 'no-continuation' };
  return dialplanPlace(leg, join);
}

function dialplanPlace(leg: LegRecord, join: CallJoin): LegPlace {
  const { context, extension, priority, appName, appData } = leg.dialplan;
  if (wasDialled(leg)) {
    return join.kind === 'dialplan'
      ? { kind: 'dial-callee' }
      : { kind: 'nowhere', reason: 'no-continuation' };
  }
  if (context === '' || extension === '' || priority < 1)
    return { kind: 'nowhere', reason: 'no-continuation' };
  if (join.kind !== 'dialplan') return { kind: 'dialplan', context, extension, priority };
  return {
    kind: 'dial-caller',
    context,
    extension,
    priority,
    continues: appName === 'Dial' && dialGoesOn(appData),
  };
}

/** The callee has answered and the crash came before the bridge was seen. */
function answeredDial(legs: readonly LegRecord[]): boolean {
  return (
    legs.some((leg) => wasDialled(leg) && leg.state === 'Up') &&
    legs.some((leg) => leg.dialplan.appName === 'Dial')
  );
}

function waitForEachOther(legs: readonly LegRecord[]): boolean {
  return legs.every((leg) => leg.dialplan.context === RECOVERED_CONTEXT);
}
