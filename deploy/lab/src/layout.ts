/** Addresses of one lab: a /24 and an IPv6 /64 of its own, by slot. Pure. */

export const HOST_ROLES = ['edge', 'proxy', 'core', 'phones', 'node', 'service'] as const;

/** One host of the lab. */
export interface HostLayout {
  readonly name: string;
  readonly role: (typeof HOST_ROLES)[number];
  readonly address: string;
  /** A unique local address (RFC 4193), in the one form that RFC 5952 gives it. */
  readonly address6: string;
}

export interface Layout {
  readonly slot: number;
  readonly prefix: 24;
  readonly prefix6: 64;
  /** The machine's own address on the lab's network: its end of the uplink. */
  readonly callerAddress: string;
  /** Interface of the uplink in the namespace the lab was started from. One name a slot: it is the slot's lock. */
  readonly uplink: string;
  /** The supervisor's address, on the bridge itself. */
  readonly bridgeAddress: string;
  readonly hosts: readonly HostLayout[];
}

/** Slots a lab can take: 10.77.SLOT.0/24. */
export const SLOTS = 256;
export const MAX_NODES = 50;
/** Hosts that are no node and none of the five that every lab has: those of services, and of NATS servers beside the first. */
export const MAX_SERVICE_HOSTS = 50;
/** `rein` and `v` in ASCII: the 40 bits that RFC 4193 wants to be unlikely elsewhere. */
const PREFIX6 = 'fd72:6569:6e76';
/** Keeps the slot's group at four digits, so that no address needs another abbreviation than `::`. */
const SLOT6_BASE = 0x7700;

export function nodeNames(nodes: number): string[] {
  return Array.from({ length: nodes }, (_, index) => `ast${index + 1}`);
}

/**
 * @param nodes number of Asterisk nodes, 0 for a lab of `core` alone
 * @param services names of the hosts that have one process of Reinvite or NATS each
 */
export function layoutOf(slot: number, nodes: number, services: readonly string[] = []): Layout {
  const address = (last: number): string => `10.77.${slot}.${last}`;
  const host = (name: string, role: HostLayout['role'], last: number): HostLayout => ({
    name,
    role,
    address: address(last),
    address6: `${PREFIX6}:${(SLOT6_BASE + slot).toString(16)}::${last}`,
  });
  const central = [
    host('core', 'core', 20),
    ...services.map((name, index) => host(name, 'service', 40 + index)),
  ];
  const telephony = [
    host('edge', 'edge', 10),
    host('proxy', 'proxy', 11),
    host('phones', 'phones', 30),
    ...nodeNames(nodes).map((name, index) => host(name, 'node', 101 + index)),
  ];
  return {
    slot,
    prefix: 24,
    prefix6: 64,
    callerAddress: address(1),
    uplink: `rvlab${slot}`,
    bridgeAddress: address(2),
    hosts: nodes === 0 ? central : [...central, ...telephony],
  };
}

/**
 * Slots whose /24 overlaps none of the given IPv4 networks (`a.b.c.d/len`, a bare address, or `default`), lowest first.
 */
export function freeSlots(taken: readonly string[]): number[] {
  const networks = taken.flatMap((text) => parseNetwork(text) ?? []);
  return Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) => {
    const start = toNumber([10, 77, slot, 0]);
    return !networks.some((network) => start <= network.end && network.start <= start + 255);
  });
}

function parseNetwork(text: string): { start: number; end: number } | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const size = 2 ** (32 - Number(match[5] ?? 32));
  const address = toNumber(match.slice(1, 5).map(Number));
  const start = Math.floor(address / size) * size;
  return { start, end: start + size - 1 };
}

function toNumber(octets: readonly number[]): number {
  return octets.reduce((sum, octet) => sum * 256 + octet, 0);
}
