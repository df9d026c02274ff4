import { isIP, SocketAddress } from 'node:net';

/**
 * An IP address in the one text form in which two can be compared: IPv6 as RFC 5952 writes it and without a zone, an IPv4
 * address that came mapped into IPv6 (RFC 4291 section 2.5.5.2) as IPv4.
 * @returns null for what is no IP address.
 */
export function canonicalAddress(text: string): string | null {
  const version = isIP(text);
  if (version !== 6) return version === 4 ? text : null;
  const address = ipv6Text(text.replace(/%.*$/, ''));
  const [, mapped] = /^::ffff:([\d.]+)$/.exec(address) ?? [];
  return mapped ?? address;
}

/** The 16 bytes of an IPv6 address as RFC 5952 writes them. */
export function ipv6FromBytes(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return ipv6Text(groups.join(':'));
}

function ipv6Text(address: string): string {
  return new SocketAddress({ address, family: 'ipv6' }).address;
}
