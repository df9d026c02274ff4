import { codedError } from '@reinvite/runtime';
import {
  canonicalAddress,
  decodeHep,
  directionOf,
  HEP_TYPE_SIP,
  parseSip,
  type HepPacket,
  type Observed,
} from '@reinvite/sip';
import type { Attribution } from './attribution.js';

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
      const ends = { source: packet.source.address, destination: packet.destination.address };
      const direction = directionOf(ends, message, node.addresses);
      if (direction === null) throw unplaced('of no known direction', packet, sender);
      return { kind: 'message', observed: { direction, at: packet.at, nodeId: node.id, message } };
    },
  };
}

function unplaced(why: string, { captureId, source, destination }: HepPacket, sender: string): Error {
  return codedError('HEP_UNPLACED', why, { captureId, source, destination, sender });
}

/** CRLF alone, or nothing (RFC 5626 section 3.5.1). */
function isKeepAlive(payload: Buffer): boolean {
  return payload.length <= 4 && payload.every((byte) => byte === 0x0d || byte === 0x0a || byte === 0);
}
