import { z } from 'zod';
import type { Call } from '../call/call.js';
import { incarnation, nodeId } from '../node.js';
import { conferenceKey } from './key.js';
import { fullestOf, isSamePlace, type ConferenceStanding, type Place } from './home.js';

const place = { nodeId, incarnation };

/** What a recovery has to know of the conference that its legs were in. */
export const plannedConference = z.object({
  key: z.string().min(1),
  /** Legs that led to a part of it on another node: the SIP Call-ID is the same on both. `peer`: the channel there. */
  trunks: z.array(z.object({ legId: z.string(), peer: z.object({ ...place, channelId: z.string() }) })),
  /** Who was in it on other nodes, trunks from here left out. */
  others: z.array(z.object({ ...place, channelIds: z.array(z.string()) })),
});
export type PlannedConference = z.infer<typeof plannedConference>;

/** @returns undefined for a call that is in no conference. */
export function plannedConferenceOf(
  call: Call,
  { parts }: ConferenceStanding,
): PlannedConference | undefined {
  if (call.conference === undefined) return undefined;
  const trunks = call.legs.flatMap(({ legId, record }) =>
    parts.flatMap(({ nodeId: node, incarnation: life, participants }) =>
      participants
        .filter(({ sipCallId }) => sipCallId !== '' && sipCallId === record.sipCallId)
        .map(({ channelId }) => ({ legId, peer: { nodeId: node, incarnation: life, channelId } })),
    ),
  );
  const ofTrunks = new Set(trunks.map(({ peer }) => peer.channelId));
  const others = parts.map(({ nodeId: node, incarnation: life, participants }) => ({
    nodeId: node,
    incarnation: life,
    channelIds: participants.map(({ channelId }) => channelId).filter((id) => !ofTrunks.has(id)),
  }));
  return { key: conferenceKey(call.conference), trunks, others };
}

/**
 * The node where most of the conference lived when it was planned; null where nothing of it lived on one of these.
 * @param fit the nodes that may take it.
 */
export function livedAt<T extends Place>({ trunks, others }: PlannedConference, fit: readonly T[]): T | null {
  return fullestOf(fit, (node) => {
    const there = others.filter((part) => isSamePlace(part, node));
    // The far end of a trunk shows as well that a part was there.
    const peers = trunks.filter(({ peer }) => isSamePlace(peer, node));
    return there.reduce((sum, { channelIds }) => sum + channelIds.length, peers.length);
  });
}
