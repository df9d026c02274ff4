import { subjects, type Bus } from '@reinvite/bus';
import { leaseRequest, type LeaseReply, type LeaseRequest } from '@reinvite/domain';
import type { Logger } from '@reinvite/runtime';
import type { LeaseBook } from './lease-book.js';

export interface LandlordOptions {
  readonly sentinelId: string;
  readonly sentinels: number;
  readonly book: LeaseBook;
  readonly bus: Pick<Bus, 'respond'>;
  readonly log: Logger;
  readonly mono: () => number;
  readonly isDown: (nodeId: string, incarnation: string) => boolean;
}

/** Grants leases to the agent of one node. */
export function grantLeases(nodeId: string, options: LandlordOptions): void {
  const { bus, sentinelId, sentinels, log } = options;
  const reply = (status: LeaseReply['status']): LeaseReply => ({
    type: 'LeaseReply',
    sentinelId,
    status,
    sentinels,
  });
  const answer = async (request: LeaseRequest): Promise<LeaseReply | object> => {
    if (request.nodeId !== nodeId) return {};
    const status = decide(request, options);
    if (status === 'refused')
      log.error({ nodeId, incarnation: request.incarnation }, 'no lease for a life that was declared down');
    return reply(status);
  };
  // What cannot be read gets an answer that grants nothing.
  bus.respond(subjects.lease(nodeId), leaseRequest, answer, () => ({}));
}

function decide(
  { nodeId, incarnation, leaseMs }: LeaseRequest,
  { book, mono, isDown }: LandlordOptions,
): LeaseReply['status'] {
  if (leaseMs === 0) {
    book.release(nodeId, incarnation);
    return 'released';
  }
  if (isDown(nodeId, incarnation)) return 'refused';
  return book.grant(nodeId, incarnation, leaseMs, mono()) ? 'granted' : 'ended';
}
