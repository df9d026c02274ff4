import type { CallFact, RecoveryEvent } from '@reinvite/domain';
import type { Nats } from '../bus/server.js';
import type { Audit, Recorded } from './audit.js';
import type { Found } from './violation.js';
import type { Victim } from './witness.js';

export interface Owed {
  readonly audit: Audit;
  readonly nats: Nats;
  readonly victims: readonly Victim[];
}

/**
 * What has not come to its end yet: recoveries without an outcome, deaths that were not declared, calls of the dead that no
 * recovery speaks of. Once nothing fails any more there has to come a moment at which it is empty.
 */
export function owed({ audit, nats, victims }: Owed): Found[] {
  const missing: Found[] = [];
  for (const [recoveryId, events] of audit.recoveries)
    if (!isCompleted(events))
      missing.push({ invariant: 'one-outcome', what: `recovery ${recoveryId} has no outcome` });
  const told = toldLegs(nats);
  for (const victim of victims) {
    const { life, channelId, phone } = victim;
    // Of a channel that its agent could not tell of before it died too nobody knows.
    if (!told.has(legKey(life.nodeId, life.incarnation, channelId))) continue;
    const isDown = (audit.nodes.get(life.nodeId) ?? []).some(
      ({ event }) => event.type === 'NodeDown' && event.incarnation === life.incarnation,
    );
    const whose = `${channelId} of ${phone.name} on ${life.nodeId} ${life.incarnation}`;
    if (!isDown)
      missing.push({ invariant: 'no-call-forgotten', what: `${whose}: its node was never declared down` });
    else if (!isCovered(victim, audit))
      missing.push({ invariant: 'no-call-forgotten', what: `${whose}: no recovery speaks of it` });
  }
  return missing;
}

function isCompleted(events: readonly Recorded<RecoveryEvent>[]): boolean {
  return events.some(({ event }) => event.type === 'RecoveryCompleted');
}

/** In a recovery of its own node's death; or of the one before, which was told of that death while it was open. */
function isCovered({ life, channelId }: Victim, { recoveries }: Audit): boolean {
  return [...recoveries.values()].some((events) => {
    const isPlanned = events.some(
      ({ event }) =>
        event.type === 'RecoveryPlanned' &&
        event.nodeId === life.nodeId &&
        event.incarnation === life.incarnation &&
        [...event.legs, ...event.skipped].some(({ legId }) => legId === channelId),
    );
    if (isPlanned) return true;
    const attempt = events.findIndex(
      ({ event }) => event.type === 'AttemptStarted' && event.legs.some((leg) => leg.channelId === channelId),
    );
    return attempt >= 0 && events.slice(attempt).some(({ event }) => event.type === 'TargetDied');
  });
}

function toldLegs(nats: Nats): ReadonlySet<string> {
  const told = new Set<string>();
  for (const { json } of nats.stored('callFacts')) {
    const fact = JSON.parse(json) as CallFact;
    if (fact.type === 'LegObserved') told.add(legKey(fact.nodeId, fact.incarnation, fact.channelId));
  }
  return told;
}

function legKey(nodeId: string, incarnation: string, channelId: string): string {
  return `${nodeId} ${incarnation} ${channelId}`;
}
