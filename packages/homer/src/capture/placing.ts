import { captureIdsOf, isCoded, type NodeConfig } from '@reinvite/runtime';
import { canonicalAddress, parseSip, type Observed, type SipMessage } from '@reinvite/sip';
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
    const ends = {
      source: canonical(captured.source),
      destination: canonical(captured.destination),
    };
    const touched = known.filter(
      ({ addresses }) => addresses.has(ends.source) || addresses.has(ends.destination),
    );
    const capturing = known.filter(
      ({ captureIds }) => captured.captureId !== null && captureIds.has(captured.captureId),
    );
    const at = capturing.length > 0 ? capturing : touched;
    if (at.length === 0) return { kind: 'placed', observed: [] };
    const message = messageOf(captured);
    if (message === null) return { kind: 'unreadable' };
    const observed = at.flatMap((node): Observed[] => {
      const direction = directionOf(ends, message, node);
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

/**
 * Which way the message went. Where both ends are the node's, or both are one address of another (WebSocket legs can show
 * the same address twice), the topmost Via tells: it is that of the side that sent the request (RFC 3261 section 18).
 * @returns null where neither end is an address that the node is known to have: a guess could take one side for the other.
 */
function directionOf(
  ends: { readonly source: string; readonly destination: string },
  message: SipMessage,
  node: KnownNode,
): Observed['direction'] | null {
  const sent = node.addresses.has(ends.source);
  const received = node.addresses.has(ends.destination);
  if (sent !== received) return sent ? 'sent' : 'received';
  const via = message.vias[0];
  if (via === undefined || (!sent && ends.source !== ends.destination)) return null;
  const isRequestOurs = node.addresses.has(canonical(hostOf(via.sentBy)));
  return isRequestOurs === (message.kind === 'request') ? 'sent' : 'received';
}

/** `host`, `host:port` and `[IPv6]:port` without the port. */
function hostOf(sentBy: string): string {
  const host = /^\[([^\]]*)\]|^([^:\s]*)/.exec(sentBy);
  return host?.[1] ?? host?.[2] ?? '';
}

/** What is no address stays as it is, and is like none. */
function canonical(address: string): string {
  return canonicalAddress(address) ?? address;
}
