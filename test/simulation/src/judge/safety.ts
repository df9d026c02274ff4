import type { NodeEvent } from '@reinvite/domain';
import type { Node } from '../asterisk/node.js';
import type { Phone, ReInvite } from '../asterisk/phone.js';
import { BEGINNING } from '../world/time.js';
import { commandedChannels, type Audit, type Commanded } from './audit.js';
import type { Violation } from './violation.js';
import type { Originated } from './witness.js';

/** Final answers that leave the dialog as it was and that another attempt may turn into a 200 (RFC 3261 section 14.1). */
const RETRYABLE: ReadonlySet<number> = new Set([488, 491, 500, 503, 606]);

export interface Seen {
  readonly audit: Audit;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly phones: readonly Phone[];
  readonly originated: readonly Originated[];
  /** As in the configuration. */
  readonly hangAfterMs: number;
  readonly leaseMs: number;
}

/** What must never happen, whatever fails and for however long. */
export function unsafe(seen: Seen): Violation[] {
  const commanded = commandedChannels(seen.audit);
  return [
    ...seen.phones.flatMap((phone) => reinvitedTwice(phone, commanded)),
    ...unfenced(seen, commanded),
    ...wronglyDown(seen),
    ...wronglyFenced(seen),
    ...outcomes(seen.audit),
    ...plannedWhileStopped(seen.audit),
  ];
}

/** For one dead incarnation a phone gets one re-INVITE, and another one only if the one before it is over and took nothing on. */
function reinvitedTwice(phone: Phone, commanded: ReadonlyMap<string, Commanded>): Violation[] {
  const violations: Violation[] = [];
  for (const [index, later] of phone.reinvites.entries()) {
    const forWhat = commanded.get(later.channelId);
    for (const earlier of phone.reinvites.slice(0, index)) {
      const before = commanded.get(earlier.channelId);
      if (forWhat === undefined || before === undefined) continue;
      if (before.nodeId !== forWhat.nodeId || before.incarnation !== forWhat.incarnation) continue;
      if (isOver(earlier, later.at)) continue;
      violations.push({
        invariant: 'one-reinvite',
        at: later.at,
        what: `${phone.name} got ${later.channelId} after ${earlier.channelId}, answered ${earlier.status ?? 'not yet'}, for the death of ${before.nodeId} ${before.incarnation}`,
      });
    }
  }
  return violations;
}

function isOver({ from, status, answeredAt, cancelled }: ReInvite, at: number): boolean {
  if (from.diedAt !== null && from.diedAt <= at) return true;
  if (cancelled) return true;
  return status !== null && RETRYABLE.has(status) && answeredAt !== null && answeredAt <= at;
}

/** What has to be recorded before a death of which there is that evidence. */
const BEFORE_DOWN: Readonly<Record<string, NodeEvent['type'] | undefined>> = {
  fenced: 'NodeFenced',
  'lease-expired': 'NodeFenced',
  operator: 'NodeDeclaredDown',
};

/** Before a channel is originated the life whose call it was is dead, recorded as dead, and fenced where it had to be. */
function unfenced(
  { audit, nodes, originated }: Seen,
  commanded: ReadonlyMap<string, Commanded>,
): Violation[] {
  return originated.flatMap(({ at, epochMs, channelId, phone }): Violation[] => {
    const wrong = (what: string): Violation[] => [
      { invariant: 'fenced-before-originate', at, what: `${channelId} for ${phone.name}: ${what}` },
    ];
    const of = commanded.get(channelId);
    if (of === undefined) return wrong('nothing recorded commands it');
    const life = nodes.get(of.nodeId)?.lifeOf(of.incarnation);
    if (life === undefined) return wrong(`${of.nodeId} never had a life ${of.incarnation}`);
    if (life.diedAt === null || life.diedAt > at) return wrong(`${of.nodeId} ${of.incarnation} was alive`);
    // An operator may ask as soon as it is sure that the node is dead.
    if (of.isRequested) return [];
    const events = (audit.nodes.get(of.nodeId) ?? []).filter(
      ({ event }) => event.incarnation === of.incarnation,
    );
    const down = events.find(({ event }) => event.type === 'NodeDown');
    if (down === undefined || down.recordedAt > epochMs) return wrong('its node was not recorded as down');
    if (down.event.type !== 'NodeDown') return [];
    const needed = BEFORE_DOWN[down.event.evidence];
    const before = events.find(({ event }) => event.type === needed);
    if (needed === undefined || (before !== undefined && before.version < down.version)) return [];
    return wrong(`no ${needed} is recorded`);
  });
}

/** A life that is declared down is dead. */
function wronglyDown({ audit, nodes }: Seen): Violation[] {
  const violations: Violation[] = [];
  for (const [nodeId, events] of audit.nodes) {
    for (const { event, recordedAt } of events) {
      if (event.type !== 'NodeDown') continue;
      const life = nodes.get(nodeId)?.lifeOf(event.incarnation);
      const at = recordedAt - BEGINNING;
      if (life !== undefined && life.diedAt !== null && life.diedAt <= at) continue;
      violations.push({
        invariant: 'never-wrongly-down',
        at,
        what: `${nodeId} ${event.incarnation} was declared down (${event.evidence}) and lived`,
      });
    }
  }
  return violations;
}

/** What may pass between the last moment at which a lease could be renewed and its end, ms, beside the lease itself. */
const RENEWAL_MS = 1_000;
/** So long after the sentinels have agreed an agent or a command has been told at the latest, ms. */
const AGREED_MS = 3_000;
/** A command is run after a silence that is longer, ms. */
const ASKED_MS = 1_500;

/**
 * No fence kills a life that answers, or that has been silent for less than a hang is long, unless that life was declared down.
 * A lease kills none whose agent could reach every sentinel, a command none that could be asked by all of them.
 */
function wronglyFenced({ nodes, audit, hangAfterMs, leaseMs }: Seen): Violation[] {
  return [...nodes.values()].flatMap(({ lives }) =>
    lives.flatMap((life): Violation[] => {
      const { nodeId, incarnation, killed, diedAt } = life;
      const at = diedAt ?? 0;
      if (killed === null) return [];
      const isDown = (audit.nodes.get(nodeId) ?? []).some(
        ({ event, recordedAt }) =>
          event.type === 'NodeDown' && event.incarnation === incarnation && recordedAt - BEGINNING <= at,
      );
      const wrong = (how: string): Violation[] => [
        { invariant: 'never-wrongly-fenced', at, what: `${nodeId} ${incarnation} was killed, and ${how}` },
      ];
      switch (killed.by) {
        case 'agent':
          if (killed.declaredDown) return [];
          if (killed.majorityAt < at - AGREED_MS)
            return wrong('no majority of the sentinels could have agreed');
          if (killed.hungMs >= hangAfterMs) return [];
          return wrong(
            killed.hungMs === 0 ? 'it was well' : `it had hung for ${killed.hungMs.toFixed(0)} ms`,
          );
        case 'lease':
          if (isDown || killed.troubleAt >= at - leaseMs - RENEWAL_MS) return [];
          return wrong('its lease could have been renewed all the while');
        case 'command': {
          const since = killed.begunAt - ASKED_MS;
          if (killed.majorityAt < killed.begunAt - AGREED_MS)
            return wrong('no majority of the sentinels could have agreed');
          const hasHung = life.hangs.some(({ from, to }) => from <= killed.begunAt && to >= since);
          return isDown || hasHung || killed.troubleAt >= since ? [] : wrong('it would have answered');
        }
      }
    }),
  );
}

/** At most one outcome; and no leg of an incarnation in two recoveries. */
function outcomes({ recoveries }: Audit): Violation[] {
  const violations: Violation[] = [];
  const planned = new Map<string, string>();
  for (const [recoveryId, events] of recoveries) {
    const ends = events.filter(({ event }) => event.type === 'RecoveryCompleted');
    const at = (events.at(-1)?.recordedAt ?? BEGINNING) - BEGINNING;
    const wrong = (what: string): void => {
      violations.push({ invariant: 'one-outcome', at, what });
    };
    if (ends.length > 1) wrong(`recovery ${recoveryId} has ${ends.length} outcomes`);
    if (events.some(({ version }, index) => version !== index + 1))
      wrong(`recovery ${recoveryId} has holes in its stream`);
    for (const { event } of events) {
      if (event.type !== 'RecoveryPlanned') continue;
      for (const { legId } of [...event.legs, ...event.skipped]) {
        const key = `${event.nodeId} ${event.incarnation} ${legId}`;
        const other = planned.get(key);
        if (other !== undefined) wrong(`${key} is planned in ${other} and in ${recoveryId}`);
        planned.set(key, recoveryId);
      }
    }
  }
  return violations;
}

/** Nothing is dialled for a call whose plan was recorded while recovery was stopped. */
function plannedWhileStopped({ recoveries, control }: Audit): Violation[] {
  return [...recoveries].flatMap(([recoveryId, events]): Violation[] => {
    const planned = events[0]?.recordedAt ?? 0;
    const before = control.filter(({ recordedAt }) => recordedAt < planned).at(-1);
    const after = control.find(({ recordedAt }) => recordedAt >= planned);
    const isStopped = before?.event.type === 'RecoveryStopped' && after?.recordedAt !== planned;
    if (!isStopped || !events.some(({ event }) => event.type === 'AttemptStarted')) return [];
    const what = `recovery ${recoveryId} was planned and begun while recovery was stopped`;
    return [{ invariant: 'not-while-stopped', at: planned - BEGINNING, what }];
  });
}
