import { isIP } from 'node:net';
import { codedError, type NodeConfig } from '@reinvite/runtime';
import {
  decodeHep,
  HEP_TYPE_SIP,
  parseSip,
  type HepPacket,
  type Observed,
  type SipMessage,
} from '@reinvite/sip';

/** A message of a node, nothing that the ledger could use (RTCP, keep-alives), or a packet that it should be able to use. */
export type Reading =
  | { readonly kind: 'message'; readonly observed: Observed }
  | { readonly kind: 'other' }
  | {
      readonly kind: 'unplaced';
      readonly why: 'unknown-node' | 'unknown-direction';
      readonly packet: HepPacket;
    };

/** Turns HEP packets into messages of a node. */
export interface CaptureReader {
  /** @throws CodedError `HEP_TORN`, `HEP_UNSUPPORTED` or `SIP_MALFORMED`. */
  read(packet: Buffer): Reading;
}

/**
 * A reader for the configured nodes. The node is known by the capture id where it is configured, by its SIP address
 * otherwise; the direction by which end of the message is the node's.
 * @throws CodedError `CONFIG_INVALID` for a SIP address that is none: HEP carries numbers only.
 */
export function captureReader(nodes: readonly NodeConfig[]): CaptureReader {
  const byCaptureId = new Map<number, KnownNode>();
  const byAddress = new Map<string, KnownNode>();
  for (const { id, sipAddresses, hepCaptureId } of nodes) {
    const node = { id, addresses: new Set(sipAddresses.map((address) => numeric(id, address))) };
    if (hepCaptureId !== undefined) byCaptureId.set(hepCaptureId, node);
    for (const address of node.addresses) byAddress.set(address, node);
  }
  const nodeOf = (packet: HepPacket): KnownNode | undefined =>
    byCaptureId.get(packet.captureId ?? -1) ??
    byAddress.get(packet.source.address) ??
    byAddress.get(packet.destination.address);

  return {
    read: (bytes) => {
      const packet = decodeHep(bytes);
      if (packet.protocolType !== HEP_TYPE_SIP || isKeepAlive(packet.payload)) return { kind: 'other' };
      const node = nodeOf(packet);
      if (node === undefined) return { kind: 'unplaced', why: 'unknown-node', packet };
      const message = parseSip(packet.payload);
      const direction = directionOf(packet, message, node);
      if (direction === undefined) return { kind: 'unplaced', why: 'unknown-direction', packet };
      return { kind: 'message', observed: { direction, at: packet.at, nodeId: node.id, message } };
    },
  };
}

interface KnownNode {
  readonly id: string;
  readonly addresses: ReadonlySet<string>;
}

/**
 * Which way the message went. Where both ends or neither are the node's (WebSocket legs can show the same address twice),
 * the topmost Via tells: it is that of the side that sent the request (RFC 3261 section 18).
 */
function directionOf(
  packet: HepPacket,
  message: SipMessage,
  node: KnownNode,
): Observed['direction'] | undefined {
  const sent = node.addresses.has(packet.source.address);
  const received = node.addresses.has(packet.destination.address);
  if (sent !== received) return sent ? 'sent' : 'received';
  const via = message.vias[0];
  if (via === undefined) return undefined;
  const requestIsOurs = node.addresses.has(hostOf(via.sentBy));
  return requestIsOurs === (message.kind === 'request') ? 'sent' : 'received';
}

/** `host`, `host:port` and `[IPv6]:port` without the port. */
function hostOf(sentBy: string): string {
  const host = /^\[([^\]]*)\]|^([^:\s]*)/.exec(sentBy);
  const text = host?.[1] ?? host?.[2] ?? '';
  return isIP(text) === 6 ? canonicalIpv6(text) : text;
}

function numeric(nodeId: string, address: string): string {
  const version = isIP(address);
  if (version === 0)
    throw codedError('CONFIG_INVALID', `nodes.${nodeId}.sipAddresses: "${address}" is no IP address`);
  return version === 6 ? canonicalIpv6(address) : address;
}

function canonicalIpv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

/** CRLF alone, or nothing (RFC 5626 section 3.5.1). */
function isKeepAlive(payload: Buffer): boolean {
  return payload.length <= 4 && payload.every((byte) => byte === 0x0d || byte === 0x0a || byte === 0);
}
