import { codedError } from '@reinvite/runtime';
import {
  canonicalAddress,
  decodeHep,
  HEP_TYPE_SIP,
  parseSip,
  type HepPacket,
  type Observed,
  type SipMessage,
} from '@reinvite/sip';
import type { Attribution, KnownNode } from './attribution.js';

/** A message of a node, or nothing that the ledger could use (RTCP, keep-alives). */
export type Reading = { readonly kind: 'message'; readonly observed: Observed } | { readonly kind: 'other' };

/** Turns HEP packets into messages of a node. */
export interface CaptureReader {
  /**
   * @param sender address that the packet came from.
   * @throws CodedError `HEP_TORN`, `HEP_UNSUPPORTED`, `HEP_UNAUTHORIZED`, `HEP_UNPLACED` or `SIP_MALFORMED`.
   */
  read(packet: Buffer, sender: string): Reading;
}

/** @param isAuthorized says whether the capture password is right. */
export function captureReader(
  attribution: Attribution,
  isAuthorized: (password: Buffer | null) => boolean,
): CaptureReader {
  return {
    read: (bytes, sender) => {
      const packet = decodeHep(bytes);
      if (!isAuthorized(packet.password)) throw codedError('HEP_UNAUTHORIZED', 'not the capture password');
      if (packet.protocolType !== HEP_TYPE_SIP || isKeepAlive(packet.payload)) return { kind: 'other' };
      const node = attribution.nodeOf({ packet, sender: canonicalAddress(sender) ?? '' });
      if (node === null) throw unplaced('of no node, or of either of two', packet, sender);
      const message = parseSip(packet.payload);
      const direction = directionOf(packet, message, node);
      if (direction === null) throw unplaced('of no known direction', packet, sender);
      return { kind: 'message', observed: { direction, at: packet.at, nodeId: node.id, message } };
    },
  };
}

function unplaced(why: string, { captureId, source, destination }: HepPacket, sender: string): Error {
  return codedError('HEP_UNPLACED', why, { captureId, source, destination, sender });
}

/**
 * Which way the message went. Where both ends are the node's, or both are one address of another (WebSocket legs can show
 * the same address twice), the topmost Via tells: it is that of the side that sent the request (RFC 3261 section 18).
 * @returns null where neither end is an address that the node is known to have: a guess could take one side for the other.
 */
function directionOf(packet: HepPacket, message: SipMessage, node: KnownNode): Observed['direction'] | null {
  const isOurs = (address: string): boolean => node.addresses.has(canonicalAddress(address) ?? '');
  const { source, destination } = packet;
  const sent = isOurs(source.address);
  if (sent !== isOurs(destination.address)) return sent ? 'sent' : 'received';
  const via = message.vias[0];
  if (via === undefined || (!sent && source.address !== destination.address)) return null;
  return isOurs(hostOf(via.sentBy)) === (message.kind === 'request') ? 'sent' : 'received';
}

/** `host`, `host:port` and `[IPv6]:port` without the port. */
function hostOf(sentBy: string): string {
  const host = /^\[([^\]]*)\]|^([^:\s]*)/.exec(sentBy);
  return host?.[1] ?? host?.[2] ?? '';
}

/** CRLF alone, or nothing (RFC 5626 section 3.5.1). */
function isKeepAlive(payload: Buffer): boolean {
  return payload.length <= 4 && payload.every((byte) => byte === 0x0d || byte === 0x0a || byte === 0);
}
