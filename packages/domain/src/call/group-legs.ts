import {
  RECOVERED_CONTEXT,
  type AriBridgeJoin,
  type BridgeRecord,
  type LegRecord,
  type RestoredLeg,
} from './call.js';

/** Legs that belong to one call, in order of creation, and what joined them. */
export interface LegGroup {
  readonly legs: readonly LegRecord[];
  readonly bridge: BridgeRecord | null;
  /** The bridge that they were to be joined in again, and perhaps are not yet all. */
  readonly pendingJoin: AriBridgeJoin | null;
}

export type Memory = ReadonlyMap<string, RestoredLeg>;

/**
 * Groups legs into calls: those in one bridge; a dialled leg that is in no bridge yet with the leg that dialled it; and
 * replacement channels that still wait for each other, or to be joined again. Every leg is in exactly one group.
 */
export function groupLegs(
  legs: readonly LegRecord[],
  bridges: readonly BridgeRecord[],
  memory: Memory,
): LegGroup[] {
  const byId = new Map(legs.map((leg) => [leg.channelId, leg]));
  const bridgeOf = bridgesByLeg(byId, bridges);
  const groups = new Map<
    string,
    { legs: LegRecord[]; bridge: BridgeRecord | null; pendingJoin: AriBridgeJoin | null }
  >();
  for (const leg of [...legs].sort(byCreation)) {
    const anchor = anchorOf(leg, byId, bridgeOf);
    const pendingJoin = memory.get(anchor.channelId)?.pendingJoin ?? null;
    const bridge = bridgeOf.get(anchor.channelId) ?? bridgeToCome(pendingJoin, bridgeOf);
    const key = bridge === null ? waitingKey(anchor, memory) : `bridge ${bridge.bridgeId}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { legs: [leg], bridge, pendingJoin });
    else group.legs.push(leg);
  }
  return [...groups.values()];
}

/** True for a leg that another channel dialled and that has not gone on by itself since: it has no place of its own in the dialplan. */
export function wasDialled(leg: LegRecord): boolean {
  const { appName } = leg.dialplan;
  return /^App(Dial2?|Queue)$/.test(appName) || (leg.dialedBy !== null && appName === '');
}

/** Oldest first; of equal age the leg that was not dialled first. */
export function byCreation(a: LegRecord, b: LegRecord): number {
  if (a.createdAt !== b.createdAt) return a.createdAt - b.createdAt;
  if (wasDialled(a) !== wasDialled(b)) return wasDialled(a) ? 1 : -1;
  return a.channelId < b.channelId ? -1 : 1;
}

/** A channel is in one bridge at a time: of two observations that both show it, the later one counts. */
function bridgesByLeg(
  byId: ReadonlyMap<string, LegRecord>,
  bridges: readonly BridgeRecord[],
): Map<string, BridgeRecord> {
  const found = new Map<string, BridgeRecord>();
  for (const bridge of [...bridges].sort((a, b) => a.at - b.at)) {
    for (const id of bridge.channelIds) if (byId.has(id)) found.set(id, bridge);
  }
  return found;
}

/** The leg whose group this leg shares: itself, or for a dialled leg that nobody has joined yet the one that dialled it. */
function anchorOf(
  leg: LegRecord,
  byId: ReadonlyMap<string, LegRecord>,
  bridgeOf: ReadonlyMap<string, BridgeRecord>,
): LegRecord {
  const seen = new Set<string>();
  let anchor = leg;
  while (!seen.has(anchor.channelId)) {
    seen.add(anchor.channelId);
    if (bridgeOf.has(anchor.channelId) || standsAlone(anchor)) return anchor;
    const dialler = byId.get(anchor.dialedBy ?? '');
    if (dialler === undefined) return anchor;
    anchor = dialler;
  }
  return leg;
}

/** A dialled leg that has answered and gone into an application has left the one that dialled it. */
function standsAlone(leg: LegRecord): boolean {
  return leg.state === 'Up' && (leg.stasisApp !== null || !wasDialled(leg));
}

/** The bridge that other legs of its call are in already, and that the leg was on its way to. */
function bridgeToCome(
  pendingJoin: AriBridgeJoin | null,
  bridgeOf: ReadonlyMap<string, BridgeRecord>,
): BridgeRecord | null {
  if (pendingJoin === null) return null;
  return [...bridgeOf.values()].find(({ bridgeId }) => bridgeId === pendingJoin.bridgeId) ?? null;
}

function waitingKey(leg: LegRecord, memory: Memory): string {
  const remembered = memory.get(leg.channelId);
  const waits =
    remembered !== undefined &&
    (leg.dialplan.context === RECOVERED_CONTEXT || remembered.pendingJoin !== undefined);
  return waits ? `call ${remembered.callId}` : `leg ${leg.channelId}`;
}
