import type { RecoveryRequest } from '@reinvite/domain';
import type { Incarnation, RequestLog, RequestLookup } from '@reinvite/recovery/logic';
import { codedError } from '@reinvite/runtime';
import type { Process } from '../world/process.js';
import type { Postgres } from './server.js';
import { keyOf, type Tables } from './tables.js';

/** Recoveries of which nothing was dialled yet. */
export function simulatedWaiting(
  process: Process,
  postgres: Postgres,
): (callId?: string) => Promise<string[]> {
  return (callId) =>
    postgres.transact(process, 'read waiting recoveries', (_tx, { recoveries, legs }) =>
      [...recoveries.values()]
        .filter(({ outcome, attempts }) => outcome === null && attempts === 0)
        .filter(
          (row) =>
            callId === undefined ||
            row.call_id === callId ||
            [...legs.values()].some(
              (leg) => leg.recovery_id === row.recovery_id && leg.sip_call_id === callId,
            ),
        )
        .map((row) => row.recovery_id),
    );
}

/** What a request is looked up by, by the rules of its queries. */
export function simulatedLookup(process: Process, postgres: Postgres): RequestLookup {
  const read = <T>(what: string, of: (tables: Tables) => T): Promise<T> =>
    postgres.transact(process, `look up ${what}`, (_tx, tables) => of(tables));
  return {
    incarnationsOfNode: (nodeId) =>
      read('a node', ({ callLegs }) =>
        distinct([...callLegs.values()].filter((leg) => leg.goneAt === null && leg.nodeId === nodeId)),
      ),
    incarnationsOfCall: (callId) =>
      read('a call', ({ callLegs, legs }) => {
        const replacements = new Set(
          [...legs.values()].filter((leg) => leg.call_id === callId).map((leg) => leg.channel_id),
        );
        return distinct(
          [...callLegs.values()].filter(
            (leg) => leg.goneAt === null && (leg.sipCallId === callId || replacements.has(leg.channelId)),
          ),
        );
      }),
    recoveriesOf: ({ nodeId, incarnation }, callId) =>
      read('recoveries of a life', ({ recoveries, legs }) =>
        [...recoveries.values()]
          .filter((row) => row.node_id === nodeId && row.incarnation === incarnation)
          .filter(
            ({ call_id, recovery_id }) =>
              callId === undefined ||
              call_id === callId ||
              [...legs.values()].some((leg) => leg.recovery_id === recovery_id && leg.sip_call_id === callId),
          )
          .map((row) => row.recovery_id)
          .sort(),
      ),
    recoveriesOfNode: (nodeId) =>
      read('recoveries of a node', ({ recoveries }) => {
        const own = [...recoveries.values()].filter((row) => row.node_id === nodeId);
        const [latest] = own.sort((one, other) => other.planned_at - one.planned_at);
        return own
          .filter(({ incarnation }) => incarnation === latest?.incarnation)
          .map((row) => row.recovery_id)
          .sort();
      }),
    recoveriesOfCall: (callId) =>
      read('recoveries of a call', ({ recoveries, legs }) => {
        const byLeg = new Set(
          [...legs.values()].filter((leg) => leg.sip_call_id === callId).map((leg) => leg.recovery_id),
        );
        return [...recoveries.values()]
          .filter((row) => row.call_id === callId || byLeg.has(row.recovery_id))
          .sort((one, other) => other.planned_at - one.planned_at)
          .slice(0, 1)
          .map((row) => row.recovery_id);
      }),
  };
}

function distinct(rows: readonly Incarnation[]): Incarnation[] {
  return [
    ...new Map(
      rows.map(({ nodeId, incarnation }) => [keyOf(nodeId, incarnation), { nodeId, incarnation }]),
    ).values(),
  ];
}

/** The table of requests by their keys. */
export function simulatedRequests(
  process: Process,
  postgres: Postgres,
): Pick<RequestLog, 'open' | 'answered' | 'refused'> {
  return {
    open: (request) =>
      postgres.transact(process, 'open a request', ({ undo }, { requests }) => {
        const { idempotencyKey: key } = request;
        const known = requests.get(key);
        if (known === undefined) {
          requests.set(undo, key, { request, reply: null });
          return { before: false, reply: null };
        }
        if (!isSame(known.request, request))
          throw codedError('RECOVERY_REQUEST_INVALID', 'this idempotencyKey was used for another');
        return { before: true, reply: known.reply };
      }),
    answered: (reply) =>
      postgres.transact(process, 'answer a request', ({ undo }, { requests }) => {
        const known = requests.get(reply.idempotencyKey);
        if (known !== undefined) requests.set(undo, reply.idempotencyKey, { ...known, reply });
      }),
    refused: (key) =>
      postgres.transact(process, 'refuse a request', ({ undo }, { requests }) => requests.delete(undo, key)),
  };
}

function isSame(one: RecoveryRequest, other: RecoveryRequest): boolean {
  return one.nodeId === other.nodeId && one.callId === other.callId;
}
