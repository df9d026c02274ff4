import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrive, forgive, noArrivals, phi, type Arrivals } from '../src/detector/arrivals.js';

const INTERVAL = 200;

/** Heartbeats that arrive at these moments. */
const arrivedAt = (moments: readonly number[]): Arrivals =>
  moments.reduce((arrivals, mono) => arrive(arrivals, INTERVAL, mono), noArrivals);
/** So many heartbeats, of which those that `isLost` says never arrive. */
const beats = (count: number, isLost: (index: number) => boolean = () => false): Arrivals =>
  arrivedAt(
    Array.from({ length: count }, (_, index) => index)
      .filter((index) => !isLost(index))
      .map((index) => index * INTERVAL),
  );
const jitters = fc.array(fc.integer({ min: -60, max: 60 }), { minLength: 2, maxLength: 250 });

describe('phi', () => {
  it('is nothing where nothing is known', () => {
    expect(phi(noArrivals, 60_000)).toBe(0);
  });

  it('is small when the next heartbeat is due, and past all doubt when five are missing of a node that loses none', () => {
    const regular = beats(200);
    expect(phi(regular, INTERVAL)).toBeLessThan(0.5);
    expect(phi(regular, 3 * INTERVAL)).toBeLessThan(8);
    expect(phi(regular, 5 * INTERVAL)).toBeGreaterThan(8);
  });

  it('takes a silence for less where heartbeats are lost anyway', () => {
    const lossy = beats(200, (index) => index % 10 === 9);
    expect(phi(lossy, 5 * INTERVAL)).toBeLessThan(8);
    expect(phi(lossy, 5 * INTERVAL)).toBeLessThan(phi(beats(200), 5 * INTERVAL) / 2);
    expect(phi(lossy, 12 * INTERVAL)).toBeGreaterThan(8);
  });

  it('is what the estimated loss and jitter say', () => {
    // Little is known: 0.5 lost of 10 and one, jitter of a quarter of the interval. Two standard deviations after the third
    // heartbeat is due, that one may still come (2.275 %), or the fourth, which is due two standard deviations later.
    const lost = 0.5 / 11;
    const late = 0.02275;
    const third = lost ** 2 * (1 - lost) * late;
    const fourth = lost ** 3 * (1 - lost) * (1 - late);
    const silence = phi(arrivedAt([0, INTERVAL]), 3.5 * INTERVAL);
    expect(silence).toBeCloseTo(-Math.log10(third + fourth + lost ** 4), 3);
  });

  it('grows with the silence, whatever came before', () => {
    fc.assert(
      fc.property(
        jitters,
        fc.integer({ min: 0, max: 20_000 }),
        fc.integer({ min: 1, max: 5_000 }),
        (late, silence, more) => {
          const arrivals = arrivedAt(late.map((jitter, index) => index * INTERVAL + jitter));
          expect(phi(arrivals, silence + more)).toBeGreaterThanOrEqual(phi(arrivals, silence) - 1e-6);
        },
      ),
    );
  });

  it('is a number for every silence', () => {
    fc.assert(
      fc.property(jitters, fc.double({ min: 0, max: 1e9, noNaN: true }), (late, silence) => {
        const value = phi(arrivedAt(late.map((jitter, index) => index * INTERVAL + jitter)), silence);
        expect(Number.isFinite(value)).toBe(true);
      }),
    );
  });

  it('counts no gap in which the listener was deaf', () => {
    const steady = beats(100);
    const after = arrive(forgive(steady), INTERVAL, 60_000);
    expect(phi(after, 5 * INTERVAL)).toBe(phi(steady, 5 * INTERVAL));
  });

  it('begins anew with another interval', () => {
    expect(arrive(beats(100), 1_000, 50_000)).toEqual({ intervalMs: 1_000, lastAt: 50_000, window: [] });
  });
});
