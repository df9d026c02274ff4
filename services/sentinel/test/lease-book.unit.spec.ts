import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeaseBook } from '../src/lease/lease-book.js';

const LEASE = 15_000;

describe('the book of leases', () => {
  it('says nothing of a life that never asked for one', () => {
    const book = new LeaseBook();
    expect(book.isOver('ast1', 'A', 1e9)).toBeNull();
    book.grant('ast1', 'B', LEASE, 0);
    expect(book.isOver('ast1', 'A', 1e9)).toBeNull();
  });

  it('takes a lease for over when it has run out, and time enough to kill has passed', () => {
    const book = new LeaseBook();
    book.grant('ast1', 'A', LEASE, 0);
    expect(book.isOver('ast1', 'A', LEASE + 2_000)).toBe(false);
    expect(book.isOver('ast1', 'A', LEASE + 2_031)).toBe(true);
  });

  it('renews no lease that it has said to be over', () => {
    const book = new LeaseBook();
    book.grant('ast1', 'A', LEASE, 0);
    expect(book.isOver('ast1', 'A', 60_000)).toBe(true);
    expect(book.grant('ast1', 'A', LEASE, 60_001)).toBe(false);
    expect(book.isOver('ast1', 'A', 60_002)).toBe(true);
    expect(book.grant('ast1', 'B', LEASE, 60_003)).toBe(true);
  });

  it('says nothing any more of a lease that was given up', () => {
    const book = new LeaseBook();
    book.grant('ast1', 'A', LEASE, 0);
    book.release('ast1', 'B');
    expect(book.leftMs('ast1', 'A', 0)).toBeGreaterThan(LEASE);
    book.release('ast1', 'A');
    expect(book.isOver('ast1', 'A', 1e9)).toBeNull();
  });

  it('is over only after the node has killed, for clocks that drift by 500 ppm each, and every delay on the way', () => {
    const drift = fc.double({ min: -0.000_5, max: 0.000_5, noNaN: true });
    const lease = fc.integer({ min: 3_000, max: 600_000 });
    const delay = fc.integer({ min: 0, max: 60_000 });
    /** The guard looks every 50 ms; a machine that is out of processor makes it wait. */
    const killWithin = fc.integer({ min: 0, max: 1_900 });
    fc.assert(
      fc.property(drift, drift, lease, delay, killWithin, (nodeDrift, ourDrift, leaseMs, delayMs, killMs) => {
        // True time: the request leaves the node at 0, and the grant is written down when it arrives.
        const killedAt = leaseMs / (1 + nodeDrift) + killMs;
        const book = new LeaseBook();
        book.grant('ast1', 'A', leaseMs, delayMs * (1 + ourDrift));
        expect(book.isOver('ast1', 'A', killedAt * (1 + ourDrift))).not.toBe(true);
      }),
    );
  });
});
