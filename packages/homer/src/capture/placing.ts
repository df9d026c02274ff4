import { captureIdsOf, isCoded, type NodeConfig } from '@reinvite/runtime';
import { canonicalAddress, directionOf, parseSip, type Observed, type SipMessage } from '@reinvite/sip';
import type { CapturedMessage } from '../api/api.js';

/** Turns what HOMER tells into messages of nodes. */
export type Placing = (captured: CapturedMessage) => Placed;

export type Placed =
  /** One for each node that sent or received it; none for a message between others, such as edge and phone. */
  | { readonly kind: 'placed'; readonly observed: readonly Observed[] }
  /** Not SIP, not of this Call-ID, or with no way to tell who sent it. */
  | { readonly kind: 'unreadable' };

interface KnownNode {
  readonly id: string;
  readonly addresses: ReadonlySet<string>;
}

/**
 * Places messages at the configured nodes: by the capture id where a node has one and the message carries it, else by
 * address. HOMER is fed by all kinds of agents (Asterisk, the edge, sniffers), each with an id of its own, so that an id which
 * no node has says nothing. What goes between two nodes was sent by the one and received by the other.
 */
export function placingAt(nodes: readonly NodeConfig[]): Placing {
  const known = nodes.map((node): KnownNode & { captureIds: ReadonlySet<number> } => ({
    id: node.id,
    addresses: new Set(node.sipAddresses.map(canonical)),
    captureIds: new Set(captureIdsOf(node)),
  }));
  return (captured) => {
    const ends = [captured.source, captured.destination].map(canonical);
    const touched = known.filter(({ addresses }) => ends.some((end) => addresses.has(end)));
    const capturing = known.filter(
      ({ captureIds }) => captured.captureId !== null && captureIds.has(captured.captureId),
    );
    const at = capturing.length > 0 ? capturing : touched;
    if (at.length === 0) return { kind: 'placed', observed: [] };
    const message = messageOf(captured);
    if (message === null) return { kind: 'unreadable' };
    const observed = at.flatMap((node): Observed[] => {
      const direction = directionOf(captured, message, node.addresses);
      return direction === null ? [] : [{ direction, at: captured.at, nodeId: node.id, message }];
    });
    return observed.length === 0 ? { kind: 'unreadable' } : { kind: 'placed', observed };
  };
}

function messageOf({ callId, raw }: CapturedMessage): SipMessage | null {
  try {
    const message = parseSip(Buffer.from(raw, 'utf8'));
    return message.callId === callId ? message : null;
  } catch (error) {
    if (isCoded(error, 'SIP_MALFORMED')) return null;
    throw error;
  }
}

/** What is no address stays as it is, and is like none. */
function canonical(address: string): string {
  return canonicalAddress(address) ?? address;
}
