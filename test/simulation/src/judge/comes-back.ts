import type { CallFact, RecoveryEvent, RestoreFact } from '@reinvite/domain';
import type { Config } from '@reinvite/runtime';
import type { Life } from '../asterisk/life.js';
import type { Node } from '../asterisk/node.js';
import type { Phone } from '../asterisk/phone.js';
import type { Found } from './violation.js';
import type { Nats } from '../bus/server.js';
import { BEGINNING } from '../world/time.js';
import type { Audit, Recorded } from './audit.js';
import { deathsOf, shunnedUntil } from './restraint.js';
import type { Victim } from './witness.js';

/** An answer is on its way to the worker, and from there to the record, for so long where nothing is broken. */
const TOLD_WITHIN_MS = 1_000;

export interface Fate {
  readonly nodes: ReadonlyMap<string, Node>;
  /** The phones of each call. */
  readonly calls: readonly (readonly Phone[])[];
  readonly victims: readonly Victim[];
  readonly audit: Audit;
  readonly nats: Pick<Nats, 'stored' | 'redelivered'>;
  /** How many targets one recovery tries. */
  readonly maxAttempts: number;
  readonly flapping: Config['recovery']['flapping'];
}

/** What holds a call back on purpose; `restrained-for-cause` looks whether it may. */
const RESTRAINED: ReadonlySet<string | null> = new Set([
  'recovery-stopped',
  'mass-failure',
  'call-crashes-nodes',
  'recovered-too-often',
]);

/**
 * Calls that have not come back, though they should have: their phones do as they are asked, nobody has hung up, there was a
 * node at all times, and no more went wrong with the nodes that were to take them than docs/availability.md promises to bear.
 * What became of processes, networks and stores does not matter. Looked at where the Asterisks are, not in the audit.
 */
export function notBack(fate: Fate): Found[] {
  if (!wasThereAlwaysANode(fate)) return [];
  return fate.calls.flatMap((phones): Found[] => {
    if (!isPromised(phones, fate)) return [];
    const places = phones.map((phone) => placeOf(phone, fate.nodes));
    return phones.flatMap((phone, index): Found[] => {
      const place = places[index];
      if (place === undefined) return [{ invariant: 'comes-back', what: `${phone.name} is on no Asterisk` }];
      const isWith = places.every((other) => other?.life === place.life && other.bridge === place.bridge);
      return isWith ? [] : [{ invariant: 'comes-back', what: `${phone.name} is not joined to the other` }];
    });
  });
}

interface Place {
  readonly life: Life;
  readonly bridge: string | undefined;
}

function placeOf(phone: Phone, nodes: ReadonlyMap<string, Node>): Place | undefined {
  for (const { life } of nodes.values()) {
    if (life === undefined || !life.isAlive()) continue;
    const channel = [...life.channels.values()].find((one) => one.phone === phone && one.state === 'Up');
    if (channel === undefined) continue;
    return {
      life,
      bridge: life.bridges.list().find(({ channelIds }) => channelIds.includes(channel.id))?.id,
    };
  }
  return undefined;
}

function isPromised(phones: readonly Phone[], { victims, audit, nats, nodes, maxAttempts }: Fate): boolean {
  if (!phones.some((phone) => victims.some((one) => one.phone === phone))) return false;
  // Two INVITEs that overlap, after a death in between, are answered 500: then it is retried, and not for ever.
  if (phones.some((phone) => phone.endedAt !== null || phone.reinvites.some(isRefused))) return false;
  const events = eventsOf(phones, audit);
  if (events.some((event) => event.type === 'RecoveryCompleted' && RESTRAINED.has(event.reason)))
    return false;
  if (isLostBetweenWorkers(events, nats)) return false;
  const lives = new Set(
    events.flatMap((event) =>
      event.type === 'AttemptStarted' ? (nodes.get(event.target)?.lifeOf(event.targetIncarnation) ?? []) : [],
    ),
  );
  const lost = [...lives].filter((life) => {
    const at = troublesOf(life)[0];
    return at !== undefined && !isWholeOn(life, at, phones, nats);
  });
  // Who is half back when that node dies may lose the other half.
  if (phones.length > 1 && lost.length > 0) return false;
  return lost.length + unreachedIn(events) < maxAttempts;
}

/** How many attempts no worker could bring to their node. */
function unreachedIn(events: readonly RecoveryEvent[]): number {
  const attempts = events.flatMap((event) =>
    event.type === 'LegRefused' && event.reason === 'target-unreachable'
      ? [`${event.recoveryId}-${event.attempt}`]
      : [],
  );
  return new Set(attempts).size;
}

function eventsOf(phones: readonly Phone[], { recoveries }: Audit): RecoveryEvent[] {
  const isOfCall = (events: readonly Recorded<RecoveryEvent>[]): boolean =>
    events.some(
      ({ event }) =>
        event.type === 'RecoveryPlanned' &&
        [...event.legs, ...event.skipped].some((leg) =>
          phones.some(({ sipCallId }) => sipCallId === leg.sipCallId),
        ),
    );
  return [...recoveries.values()].filter(isOfCall).flatMap((events) => events.map(({ event }) => event));
}

/** What two workers had one after the other, and of which NATS did not answer the second at once, nobody sends once more. */
function isLostBetweenWorkers(events: readonly RecoveryEvent[], nats: Fate['nats']): boolean {
  const recoveries = new Set(events.map(({ recoveryId }) => recoveryId));
  return nats.stored('restoreFacts').some(({ json }) => {
    const fact = JSON.parse(json) as RestoreFact;
    if (fact.type !== 'LegRefused' || !recoveries.has(fact.recoveryId)) return false;
    return fact.reason === 'OUTCOME_UNKNOWN' && nats.redelivered.has(fact.commandId);
  });
}

/** Whether at all times a node answered, could be reached, and was not one that gets no calls because it has died too often. */
function wasThereAlwaysANode({ nodes, audit, nats, flapping }: Fate): boolean {
  const deaths = deathsOf(audit, nats);
  const all = [...nodes.values()].map((node) => ({
    ...{ lives: node.lives, absences: node.absences },
    deaths: deaths.filter(({ nodeId }) => nodeId === node.id).map(({ at }) => at - BEGINNING),
  }));
  const moments = all.flatMap(({ lives, absences, deaths: own }) => [
    ...lives.flatMap(troublesOf),
    ...absences.map(({ from }) => from),
    ...own,
  ]);
  return moments.every((at) =>
    all.some(
      ({ lives, absences, deaths: own }) =>
        lives.some((life) => life.wasWell(at)) &&
        !absences.some(({ from, to }) => from <= at && at < to) &&
        shunnedUntil(
          own.filter((one) => one <= at),
          flapping,
        ) <= at,
    ),
  );
}

/** When it hung or died, virtual ms. */
function troublesOf({ hangs, diedAt }: Life): number[] {
  return [...hangs.map(({ from }) => from), ...(diedAt === null ? [] : [diedAt])];
}

function isRefused({ status }: Phone['reinvites'][number]): boolean {
  return status !== null && status !== 200;
}

/** Whether each phone had answered that life, long enough before for it to be told, and that two are in a bridge was told. */
function isWholeOn(life: Life, at: number, phones: readonly Phone[], nats: Fate['nats']): boolean {
  const answered = phones.flatMap(({ reinvites }) =>
    reinvites.filter(
      ({ from, status, answeredAt }) =>
        from === life && status === 200 && (answeredAt ?? Infinity) + TOLD_WITHIN_MS <= at,
    ),
  );
  if (answered.length < phones.length) return false;
  if (phones.length === 1) return true;
  return nats.stored('callFacts').some(({ json, storedAt }) => {
    const fact = JSON.parse(json) as CallFact;
    if (fact.type !== 'BridgeObserved' || fact.incarnation !== life.incarnation) return false;
    const areIn = answered.every(({ channelId }) => fact.channelIds.includes(channelId));
    return fact.nodeId === life.nodeId && areIn && storedAt - BEGINNING <= at;
  });
}
