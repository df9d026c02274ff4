import type { Call, CallJoin, CallKind, CallLeg, LiveRecords } from './call.js';
import { conferenceOf } from './conference-of.js';
import { groupLegs, type LegGroup, type Memory } from './group-legs.js';
import { joinOf, placeOf } from './place.js';

/**
 * The calls of one incarnation, from its live legs and bridges. Every leg is in exactly one call, and no two calls share
 * an id.
 * @param memory what is remembered of replacement channels of ours, by channel id
 * @param others ids of calls of that incarnation whose legs are not among the records
 */
export function deriveCalls(
  records: LiveRecords,
  memory: Memory,
  others: ReadonlySet<string> = new Set(),
): Call[] {
  const taken = new Set(others);
  return groupLegs(records.legs, records.bridges, memory).map((group) => {
    const callId = nameOf(group, memory, taken);
    taken.add(callId);
    return toCall(records, group, callId, memory);
  });
}

function toCall(records: LiveRecords, group: LegGroup, callId: string, memory: Memory): Call {
  const join = joinOf(group);
  const own = new Set(group.legs.map((leg) => leg.channelId));
  const legs = group.legs.map((record): CallLeg => {
    const remembered = memory.get(record.channelId);
    const leg = { legId: record.channelId, record, place: placeOf(record, group, join, remembered) };
    return {
      ...leg,
      ...(remembered?.takenFrom === undefined ? {} : { takenFrom: remembered.takenFrom }),
      ...(remembered?.resumed === undefined ? {} : { resumed: remembered.resumed }),
    };
  });
  const conference = conferenceOf(join, group.bridge, group.legs);
  const linkedId = group.legs.find((leg) => leg.linkedId !== undefined)?.linkedId;
  return {
    callId,
    kind: kindOf(join, legs),
    nodeId: records.nodeId,
    incarnation: records.incarnation,
    legs,
    strangers: (group.bridge?.channelIds ?? []).filter((id) => !own.has(id)),
    join,
    ...(linkedId === undefined ? {} : { linkedId }),
    ...activityOf(group, memory),
    ...(conference === undefined ? {} : { conference }),
  };
}

/** What the bridge was doing, and what it had been given to go on with: every leg of a call remembers the same of that. */
function activityOf(
  { bridge, legs }: LegGroup,
  memory: Memory,
): Pick<Call, 'bridgeActivity' | 'bridgeResumed'> {
  const activity = bridge?.activity;
  const resumed = legs
    .map((leg) => memory.get(leg.channelId)?.bridgeResumed)
    .find((one) => one !== undefined);
  return {
    ...(activity === undefined ? {} : { bridgeActivity: activity }),
    ...(resumed === undefined ? {} : { bridgeResumed: resumed }),
  };
}

function kindOf(join: CallJoin, legs: readonly CallLeg[]): CallKind {
  if (join.kind === 'ari-bridge') return 'ari-bridge';
  if (join.kind === 'dialplan') return 'dial';
  return legs.some((leg) => leg.place.kind === 'stasis') ? 'stasis' : 'dialplan';
}

/** The id that the call has had since its first recovery; else the SIP Call-ID of its oldest leg that has one. */
function nameOf(group: LegGroup, memory: Memory, taken: ReadonlySet<string>): string {
  const remembered = group.legs.map((leg) => memory.get(leg.channelId)?.callId);
  const sipCallIds = group.legs.map((leg) => leg.sipCallId);
  const names = [...remembered, ...sipCallIds].filter(
    (name): name is string => name !== undefined && name !== '',
  );
  const free = names.find((name) => !taken.has(name));
  return free ?? `channel:${group.legs[0]?.channelId ?? ''}`;
}
