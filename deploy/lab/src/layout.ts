/** Addresses of one lab: a /24 of its own, by slot. Pure. */

/** One host of the lab. */
export interface HostLayout {
  readonly name: string;
  readonly role: 'edge' | 'core' | 'phones' | 'node';
  readonly address: string;
}

export interface Layout {
  readonly slot: number;
  readonly prefix: 24;
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

/** @param nodes number of Asterisk nodes, 0 for a lab of `core` alone. */
export function layoutOf(slot: number, nodes: number): Layout {
  const address = (last: number): string => `10.77.${slot}.${last}`;
  const core: HostLayout = { name: 'core', role: 'core', address: address(20) };
  const telephony: HostLayout[] = [
    { name: 'edge', role: 'edge', address: address(10) },
    { name: 'phones', role: 'phones', address: address(30) },
    ...Array.from({ length: nodes }, (_, index): HostLayout => ({
      name: `ast${index + 1}`,
      role: 'node',
      address: address(101 + index),
    })),
  ];
  return {
    slot,
    prefix: 24,
    callerAddress: address(1),
    uplink: `rvlab${slot}`,
    bridgeAddress: address(2),
    hosts: nodes === 0 ? [core] : [core, ...telephony],
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
