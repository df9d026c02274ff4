import type { RecoveryEvent } from '@reinvite/domain';
import type { Config } from '@reinvite/runtime';
import type { Life } from '../asterisk/life.js';
import type { Node } from '../asterisk/node.js';
import type { Phone } from '../asterisk/phone.js';
import type { Nats } from '../bus/server.js';
import { BEGINNING } from '../world/time.js';
import type { Audit, Recorded } from './audit.js';
import type { Violation } from './violation.js';
import type { Originated } from './witness.js';

export interface Restrained {
  readonly audit: Audit;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly calls: readonly (readonly Phone[])[];
  readonly originated: readonly Originated[];
  readonly nats: Pick<Nats, 'stored'>;
  /** Whether a replica of recovery may not have heard of deaths, a moment before or just then (virtual ms). */
  readonly isDeaf: (at: number) => boolean;
  readonly settings: Pick<Config['recovery'], 'massFailure' | 'flapping'>;
  readonly crashLimit: { readonly nodes: number; readonly withinMs: number };
}

/** A death as it was recorded; times are epoch ms. */
interface Death {
  readonly nodeId: string;
  readonly incarnation: string;
  readonly at: number;
  readonly recordedAt: number;
  /** From then on replicas of recovery can hear of it. */
  readonly publishedAt: number;
}

/** What keeps recovery from making it worse: judged from the deaths that were recorded and from what the Asterisks sent. */
export function unrestrained(seen: Restrained): Violation[] {
  const deaths = deathsOf(seen.audit, seen.nats);
  return [
    ...[...seen.audit.recoveries.values()].flatMap((events) => [
      ...begunInMassFailure(events, deaths, seen),
      ...givenToFlapping(events, deaths, seen),
      ...heldWithoutCause(events, seen),
    ]),
    ...seen.calls.flatMap((phones) => goesOnKilling(phones, deaths, seen)),
  ];
}

export function deathsOf({ nodes }: Audit, nats: Pick<Nats, 'stored'>): Death[] {
  const published = new Map(
    nats.stored('nodeEvents').map(({ json, storedAt }) => {
      const { nodeId, incarnation } = JSON.parse(json) as Pick<Death, 'nodeId' | 'incarnation'>;
      return [`${nodeId} ${incarnation}`, storedAt] as const;
    }),
  );
  return [...nodes.values()].flatMap((events) =>
    events.flatMap(({ event, recordedAt }) => {
      const { type, nodeId, incarnation, at } = event;
      if (type !== 'NodeDown') return [];
      const publishedAt = published.get(`${nodeId} ${incarnation}`) ?? Infinity;
      return [{ nodeId, incarnation, at, recordedAt, publishedAt }];
    }),
  );
}

/** Whoever acts on a death knows of those that were recorded before it: where these are too many, nothing is begun unasked. */
function begunInMassFailure(
  events: readonly Recorded<RecoveryEvent>[],
  deaths: readonly Death[],
  { audit, nodes, settings }: Restrained,
): Violation[] {
  const [planned] = events;
  if (planned?.event.type !== 'RecoveryPlanned' || planned.event.trigger.kind === 'request') return [];
  const { nodeId, incarnation, recoveryId } = planned.event;
  const own = deaths.find((one) => one.nodeId === nodeId && one.incarnation === incarnation);
  if (own === undefined) return [];
  const resumed = audit.control.filter(({ event }) => event.type === 'RecoveryResumed');
  if (resumed.some(({ recordedAt }) => recordedAt >= own.recordedAt && recordedAt <= planned.recordedAt))
    return [];
  const lookedAt = Math.max(
    0,
    ...resumed.filter((one) => one.recordedAt <= own.recordedAt).map(({ event }) => event.at),
  );
  const known = deaths.filter((one) => one === own || (one.recordedAt < own.recordedAt && one.at > lookedAt));
  const isBack = (one: Death): boolean =>
    (nodes.get(one.nodeId)?.lives ?? []).some(
      ({ incarnation: other }) =>
        Number(other) > Number(one.incarnation) && Number(other) <= planned.recordedAt,
    );
  const latest = new Map<string, number>();
  for (const one of known)
    if (!isBack(one)) latest.set(one.nodeId, Math.max(latest.get(one.nodeId) ?? 0, one.at));
  const last = Math.max(...latest.values());
  const { share, minNodes, withinMs } = settings.massFailure;
  const atOnce = [...latest.values()].filter((at) => last - at <= withinMs).length;
  if (own.at <= lookedAt || atOnce < minNodes || atOnce <= share * nodes.size) return [];
  const begun = events.findIndex(({ event }) => event.type === 'AttemptStarted');
  const released = events.findIndex(({ event }) => event.type === 'HoldReleased');
  if (begun < 0 || (released >= 0 && released < begun)) return [];
  const what = `recovery ${recoveryId} was begun though ${atOnce} of ${nodes.size} nodes were down at once`;
  return [{ invariant: 'not-in-a-mass-failure', at: planned.recordedAt - BEGINNING, what }];
}

/** Until when (epoch ms) a node that has died at these times gets no calls; 0 where it may get some. */
export function shunnedUntil(
  deaths: readonly number[],
  { crashes, withinMs }: Config['recovery']['flapping'],
): number {
  const sorted = [...deaths].sort((one, other) => one - other);
  const last = sorted.filter((at, index) => {
    const first = sorted[index - crashes + 1];
    return first !== undefined && at - first <= withinMs;
  });
  const latest = last.at(-1);
  return latest === undefined ? 0 : latest + withinMs;
}

/** By then every replica that hears of nodes at all has heard of a death. */
const HEARD_MS = 1_000;

function givenToFlapping(
  events: readonly Recorded<RecoveryEvent>[],
  deaths: readonly Death[],
  { settings, isDeaf }: Restrained,
): Violation[] {
  return events.flatMap(({ event, recordedAt }, index): Violation[] => {
    if (event.type !== 'AttemptStarted') return [];
    const { target, recoveryId, at } = event;
    if (isDeaf(at - BEGINNING)) return [];
    // Who is half back there is followed by the other half: a call is on one node.
    const before = events.slice(0, index).map(({ event: one }) => one);
    if (before.some((one) => one.type === 'LegAnswered' && one.target === target)) return [];
    const known = deaths.filter((one) => one.nodeId === target && one.publishedAt + HEARD_MS <= at);
    const until = shunnedUntil(
      known.map((one) => one.at),
      settings.flapping,
    );
    if (at >= until) return [];
    const what = `recovery ${recoveryId} was given to ${target}, which gets nothing for ${until - at} ms`;
    return [{ invariant: 'not-to-a-flapping-node', at: recordedAt - BEGINNING, what }];
  });
}

/** What a call waits for, or is skipped for, is so. */
function heldWithoutCause(
  events: readonly Recorded<RecoveryEvent>[],
  { audit, nodes, crashLimit }: Restrained,
): Violation[] {
  return events.flatMap(({ event, recordedAt }): Violation[] => {
    if (event.type !== 'RecoveryHeld' && event.type !== 'RecoveryCompleted') return [];
    const { reason, recoveryId, callId } = event;
    const wrong = (what: string): Violation[] => [
      {
        invariant: 'restrained-for-cause',
        at: recordedAt - BEGINNING,
        what: `recovery ${recoveryId}: ${what}`,
      },
    ];
    const before = audit.control.filter((one) => one.recordedAt <= recordedAt);
    if (reason === 'mass-failure' && !before.some((one) => one.event.type === 'MassFailureDeclared'))
      return wrong('no mass failure was declared');
    if (reason === 'recovery-stopped' && !before.some((one) => one.event.type === 'RecoveryStopped'))
      return wrong('nobody had stopped recovery');
    if (reason !== 'call-crashes-nodes') return [];
    const targets = [...audit.recoveries.values()].flat().flatMap(({ event: one }) => {
      if (one.type !== 'AttemptStarted' || one.callId !== callId) return [];
      return nodes.get(one.target)?.lifeOf(one.targetIncarnation) ?? [];
    });
    const lost = new Set(targets.filter(({ diedAt }) => (diedAt ?? Infinity) + BEGINNING <= recordedAt));
    return lost.size >= crashLimit.nodes ? [] : wrong(`${callId} had lost ${lost.size} nodes only`);
  });
}

/** A call of which a leg is known to have been lost with as many nodes as may be goes to no other, unless somebody has asked for that. */
function goesOnKilling(
  phones: readonly Phone[],
  deaths: readonly Death[],
  { audit, originated, crashLimit }: Restrained,
): Violation[] {
  const own = originated.filter(({ phone }) => phones.includes(phone));
  const takenAt = phones.map((one) => takers(own.filter(({ phone }) => phone === one)));
  const attempts = [...audit.recoveries.values()].map((events) => ({
    isAsked: events.some(
      ({ event }) =>
        event.type === 'HoldReleased' ||
        (event.type === 'RecoveryPlanned' && event.trigger.kind === 'request'),
    ),
    begun: new Map(
      events.flatMap(({ event, recordedAt }) =>
        event.type === 'AttemptStarted'
          ? event.legs.map(({ channelId }) => [channelId, recordedAt] as const)
          : [],
      ),
    ),
  }));
  const asked = attempts.filter(
    ({ isAsked, begun }) => isAsked && own.some(({ channelId }) => begun.has(channelId)),
  ).length;
  return own.flatMap(({ at, life, channelId }): Violation[] => {
    const begunAt = attempts.map(({ begun }) => begun.get(channelId)).find((one) => one !== undefined) ?? 0;
    const isLost = ([taker, epochMs]: readonly [Life, number]): boolean =>
      taker !== life &&
      deaths.some(
        (death) =>
          death.nodeId === taker.nodeId &&
          death.incarnation === taker.incarnation &&
          death.recordedAt < begunAt &&
          death.at - epochMs <= crashLimit.withinMs,
      );
    const lost = Math.max(...takenAt.map((takers) => [...takers].filter(isLost).length));
    if (lost < crashLimit.nodes + asked) return [];
    const what = `${channelId} is originated after a leg of its call was lost with ${lost} nodes`;
    return [{ invariant: 'stops-killing', at, what }];
  });
}

/** Which lives a leg was given to, and when first (epoch ms). One that its phone has refused never had it. */
function takers(own: readonly Originated[]): ReadonlyMap<Life, number> {
  const found = new Map<Life, number>();
  for (const { life, epochMs, channelId, phone } of own) {
    const status = phone.reinvites.find((one) => one.channelId === channelId)?.status ?? null;
    if (status === null || status === 200) found.set(life, Math.min(found.get(life) ?? Infinity, epochMs));
  }
  return found;
}
