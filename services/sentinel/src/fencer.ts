import type { NodeConfig } from '@reinvite/runtime';
import { askEdges, type EdgeWitnessOptions } from './agreement/edge-witness.js';
import type { Council } from './agreement/council.js';
import { fenceNode, type FenceOptions, type FenceResult } from './fence.js';
import type { Cause } from './detector/types.js';
import type { LeaseBook } from './lease/lease-book.js';

export interface FenceOrder {
  readonly incarnation: string;
  readonly cause: Cause | null;
  /** How long nothing has been heard of the node, ms. */
  readonly silentMs: number;
  /** False where the node is well after all and should be left alone. */
  readonly stillNeeded: () => Promise<boolean>;
}

export interface PutOff {
  readonly kind: 'fence-put-off';
  readonly waitMs: number;
  readonly reason: string;
  /** Another sentinel has recorded something of the node that this one does not know yet. */
  readonly behind: boolean;
}

export interface FencerOptions extends Omit<FenceOptions, 'stillNeeded'> {
  readonly council: Council;
  readonly edges: EdgeWitnessOptions;
  readonly edgeStaleMs: number;
  readonly book: LeaseBook;
  readonly mono: () => number;
  /** How long to wait before it is tried again; not always the same, so that two who tried together do not do so again. */
  readonly retryMs: () => number;
}

/**
 * Ends a suspected life, if everybody who is to be heard lets it: the edges, then the sentinels; then its agent, or the command,
 * or the node's own duty to have killed it. Always resolves.
 */
export async function fenceByAgreement(
  node: Pick<NodeConfig, 'id' | 'sipAddresses'>,
  order: FenceOrder,
  options: FencerOptions,
): Promise<FenceResult | PutOff> {
  const { council, retryMs } = options;
  const { id } = node;
  const speaksFor = await edgeWord(node, order, options);
  if (speaksFor !== undefined) return speaksFor;
  const { granted, agreedBy, busy, leaseOver } = await council.ask(id, order.incarnation);
  if (!granted) {
    const reason =
      busy === null ? `${agreedBy.length} of the sentinels agree` : `another sentinel: it is ${busy}`;
    return putOff(retryMs(), reason, busy === 'down');
  }
  try {
    const agreed = council.isAlone ? {} : { agreedBy };
    if (leaseOver) return { kind: 'fenced', by: 'lease', told: null, ...agreed };
    options.log.warn({ nodeId: id, incarnation: order.incarnation, agreedBy }, 'fencing');
    const result = await fenceNode(id, order.incarnation, { ...options, stillNeeded: order.stillNeeded });
    if (result.kind === 'fenced') return { ...result, ...agreed };
    const left = options.book.leftMs(id, order.incarnation, options.mono());
    return left === null || left === 0 ? result : putOff(left + 1, `${result.reason}; its lease runs on`);
  } finally {
    council.done(id);
  }
}

/**
 * An edge that is answered by the node speaks for it, where it would have noticed by now that it is not; a younger silence waits
 * until the edge would have.
 */
async function edgeWord(
  { sipAddresses }: Pick<NodeConfig, 'sipAddresses'>,
  { cause, silentMs }: FenceOrder,
  { edges, edgeStaleMs, retryMs }: FencerOptions,
): Promise<PutOff | undefined> {
  const isOfSilence = cause === 'silent' || cause === null;
  if (!isOfSilence || edges.rpcUrls.length === 0) return undefined;
  if ((await askEdges(sipAddresses, edges)) === 'nothing') return undefined;
  return putOff(Math.max(edgeStaleMs - silentMs, retryMs()), 'an edge is answered by it');
}

function putOff(waitMs: number, reason: string, behind = false): PutOff {
  return { kind: 'fence-put-off', waitMs, reason, behind };
}
