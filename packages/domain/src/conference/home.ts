import type { Candidate } from '../placement/candidate.js';

/** One life of a node. */
export type Place = Pick<Candidate, 'nodeId' | 'incarnation'>;

/** A leg of a conference on a node. */
export interface Participant {
  readonly channelId: string;
  readonly sipCallId: string;
}

/** What of a conference is on other nodes than the one whose death is answered. */
export interface ConferenceStanding {
  /** Where it has a part, as the call records have it; none of these lives has been acted on as dead. */
  readonly parts: readonly (Place & { readonly participants: readonly Participant[] })[];
  /**
   * Where recoveries have brought parts of it before. `fresh`: so lately that those may still be on their way, and no call record
   * shows them yet.
   */
  readonly home: (Place & { readonly fresh: boolean }) | null;
}

export const NOWHERE_ELSE: ConferenceStanding = { parts: [], home: null };

/**
 * The node where a conference is to be joined again: the one that it is being brought to; else where most of it lives; else
 * where it was brought to long ago; null where any will do.
 * @param fit the nodes that may take it.
 */
export function homeOf({ parts, home }: ConferenceStanding, fit: readonly Place[]): Place | null {
  const isFit = (place: Place): boolean => fit.some((one) => isSamePlace(one, place));
  const known = home !== null && isFit(home) ? placeOf(home) : null;
  if (known !== null && home?.fresh === true) return known;
  const fullest = fullestOf(parts.filter(isFit), ({ participants }) => participants.length);
  return fullest === null ? known : placeOf(fullest);
}

/** The place with the most people, by name where two have as many; null where nobody is anywhere. */
export function fullestOf<T extends Place>(places: readonly T[], peopleAt: (place: T) => number): T | null {
  const [fullest] = places
    .map((place) => ({ place, people: peopleAt(place) }))
    .filter(({ people }) => people > 0)
    .sort((one, other) => other.people - one.people || (one.place.nodeId < other.place.nodeId ? -1 : 1));
  return fullest?.place ?? null;
}

export function isSamePlace(one: Place, other: Place): boolean {
  return one.nodeId === other.nodeId && one.incarnation === other.incarnation;
}

function placeOf({ nodeId, incarnation }: Place): Place {
  return { nodeId, incarnation };
}
