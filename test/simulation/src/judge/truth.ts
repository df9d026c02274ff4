import { isDeepStrictEqual } from 'node:util';
import { evolve, unplanned, type RecoveryEvent, type RecoveryState } from '@reinvite/domain';
import type { Machines } from '@reinvite/recovery/logic';
import type { Node } from '../asterisk/node.js';
import type { Phone, ReInvite } from '../asterisk/phone.js';
import type { Tables } from '../store/tables.js';
import type { Audit, Recorded } from './audit.js';
import type { Found } from './violation.js';

/** The events of a recovery, folded anew, give what the replicas have in memory and what the read side shows. */
export async function replays(
  audit: Audit,
  { recoveries: rows }: Tables,
  replicas: readonly Pick<Machines, 'load'>[],
): Promise<Found[]> {
  const found: Found[] = [];
  const wrong = (what: string): void => {
    found.push({ invariant: 'replay', what });
  };
  const states = new Map(
    [...audit.recoveries].map(([recoveryId, events]) => [recoveryId, statesAfter(events)] as const),
  );
  for (const machines of replicas) {
    for (const [recoveryId, { snapshot, version }] of await machines.load([...states.keys()])) {
      const state = states.get(recoveryId)?.[version];
      if (state === undefined) wrong(`a replica has seen ${version} events of ${recoveryId}`);
      else if (!isDeepStrictEqual(asStored(state), asStored(snapshot.context.recovery)))
        wrong(`a replica's ${recoveryId} is not what its ${version} events give`);
    }
  }
  for (const [recoveryId, events] of audit.recoveries) {
    const row = rows.get(recoveryId);
    const state = states.get(recoveryId)?.at(-1);
    if (row === undefined) wrong(`${recoveryId} is not in the read side`);
    else if (state?.phase === 'completed' && row.outcome !== state.outcome)
      wrong(`${recoveryId} is ${state.outcome} and the read side says ${row.outcome ?? 'nothing'}`);
    const attempts = events.filter(({ event }) => event.type === 'AttemptStarted').length;
    if (row !== undefined && row.attempts !== attempts)
      wrong(`${recoveryId} had ${attempts} attempts and the read side says ${row.attempts}`);
  }
  return found;
}

/** What would be left of it if it were stored: nothing says `undefined` there. */
function asStored(state: RecoveryState): unknown {
  return JSON.parse(JSON.stringify(state));
}

function statesAfter(events: readonly Recorded<RecoveryEvent>[]): RecoveryState[] {
  const states: RecoveryState[] = [unplanned];
  for (const { event } of events) states.push(evolve(states.at(-1) ?? unplanned, event));
  return states;
}

/** What the audit says that a phone answered it has answered. */
export function untrue(audit: Audit, phones: readonly Phone[]): Found[] {
  const invites = invitesOf(phones);
  return [...answeredChannels(audit)]
    .filter((channelId) => invites.get(channelId)?.status !== 200)
    .map((channelId) => ({
      invariant: 'audit-tells-the-truth',
      what: `${channelId} is recorded as answered, and the phone answered ${invites.get(channelId)?.status ?? 'nothing'}`,
    }));
}

/** Channels that are up because their phone answered, of which the audit does not say so (yet). */
export function untold(audit: Audit, phones: readonly Phone[], nodes: ReadonlyMap<string, Node>): Found[] {
  const invites = invitesOf(phones);
  const told = answeredChannels(audit);
  const living = [...nodes.values()].flatMap(({ life }) =>
    life?.isAlive() === true ? [...life.channels.values()] : [],
  );
  return living
    .filter(({ id, state }) => state === 'Up' && invites.has(id) && !told.has(id))
    .map(({ id }) => ({
      invariant: 'audit-tells-the-truth',
      what: `${id} is up, and nothing says that its phone answered`,
    }));
}

function answeredChannels({ recoveries }: Audit): ReadonlySet<string> {
  const answered = new Set<string>();
  for (const events of recoveries.values())
    for (const { event } of events)
      if (event.type === 'LegAnswered' || event.type === 'AnswerCameLate') answered.add(event.channelId);
  return answered;
}

function invitesOf(phones: readonly Phone[]): ReadonlyMap<string, ReInvite> {
  return new Map(
    phones.flatMap((phone) => phone.reinvites.map((invite) => [invite.channelId, invite] as const)),
  );
}
