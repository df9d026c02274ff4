import { canonicalAddress } from '../hep/address.js';
import type { SipMessage } from '../message/message.js';
import type { Observed } from './observe.js';

/**
 * Which way a captured message went. Where both ends are the node's, or both are one address of another (WebSocket legs can
 * show the same address twice), the topmost Via tells: it is that of the side that sent the request (RFC 3261 section 18).
 * @param ends IP addresses, in any form.
 * @param ours the node's addresses in canonical form; see {@link canonicalAddress}.
 * @returns null where neither end is an address that the node is known to have: a guess could take one side for the other.
 */
export function directionOf(
  ends: { readonly source: string; readonly destination: string },
  { kind, vias }: Pick<SipMessage, 'kind' | 'vias'>,
  ours: ReadonlySet<string>,
): Observed['direction'] | null {
  const isOurs = (address: string): boolean => ours.has(canonical(address));
  const sent = isOurs(ends.source);
  if (sent !== isOurs(ends.destination)) return sent ? 'sent' : 'received';
  const via = vias[0];
  if (via === undefined || (!sent && canonical(ends.source) !== canonical(ends.destination))) return null;
  return isOurs(hostOf(via.sentBy)) === (kind === 'request') ? 'sent' : 'received';
}

/** What is no address stays as it is. */
function canonical(address: string): string {
  return canonicalAddress(address) ?? address;
}

/** `host`, `host:port` and `[IPv6]:port` without the port. */
function hostOf(sentBy: string): string {
  const host = /^\[([^\]]*)\]|^([^:\s]*)/.exec(sentBy);
  return host?.[1] ?? host?.[2] ?? '';
}
