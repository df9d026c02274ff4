import { describe, expect, it } from 'vitest';
import { freeSlots, layoutOf } from '../src/layout.js';

describe('the layout of a lab', () => {
  it('gives every host an address of the slot and no two the same', () => {
    const { hosts, callerAddress, bridgeAddress } = layoutOf(7, 3);
    const addresses = [callerAddress, bridgeAddress, ...hosts.map((host) => host.address)];
    expect(new Set(addresses).size).toBe(addresses.length);
    expect(addresses.every((address) => address.startsWith('10.77.7.'))).toBe(true);
    expect(hosts.map((host) => host.name)).toEqual([
      'core',
      'edge',
      'proxy',
      'phones',
      'ast1',
      'ast2',
      'ast3',
    ]);
  });

  it('gives every host an IPv6 address of the slot, written as RFC 5952 wants it', () => {
    const all = [0, 7, 255].flatMap((slot) => layoutOf(slot, 50).hosts.map(({ address6 }) => address6));
    expect(new Set(all).size).toBe(all.length);
    for (const address of all) expect(new URL(`http://[${address}]`).hostname).toBe(`[${address}]`);
    expect(layoutOf(7, 1).hosts[0]?.address6).toBe('fd72:6569:6e76:7707::20');
  });

  it('is core alone without nodes', () => {
    expect(layoutOf(0, 0).hosts.map((host) => host.name)).toEqual(['core']);
  });

  it('keeps the uplink within the 15 characters of an interface name', () => {
    expect(layoutOf(255, 1).uplink.length).toBeLessThanOrEqual(15);
  });
});

describe('the free slots', () => {
  it('are all of them on a machine with other networks', () => {
    expect(freeSlots(['192.0.2.2/24', '127.0.0.0/8', 'default', 'fd00::/64'])).toHaveLength(256);
  });

  it('leave out what an address, a host route or a wider network overlaps', () => {
    const slots = freeSlots(['10.77.0.1/24', '10.77.3.9', '10.77.8.0/21']);
    expect(slots).not.toContain(0);
    expect(slots).not.toContain(3);
    expect([8, 9, 10, 11, 12, 13, 14, 15].some((slot) => slots.includes(slot))).toBe(false);
    expect(slots).toContain(1);
    expect(slots).toContain(16);
  });

  it('are none where the whole 10/8 is in use', () => {
    expect(freeSlots(['10.0.0.0/8'])).toEqual([]);
  });
});
