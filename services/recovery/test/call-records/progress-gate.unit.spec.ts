import { describe, expect, it, vi } from 'vitest';
import { ProgressGate } from '../../src/call-records/progress-gate.js';

describe('waiting for a reader to come by', () => {
  it('opens at once for what has been reached', async () => {
    const gate = new ProgressGate();
    gate.reached(5);
    expect(await gate.wait(5, 0)).toBe(true);
  });

  it('opens in the moment in which it is reached, for all who wait for that much or less', async () => {
    vi.useFakeTimers();
    const gate = new ProgressGate();
    const [three, five, six] = [gate.wait(3, 1_000), gate.wait(5, 1_000), gate.wait(6, 1_000)];
    gate.reached(5);
    expect(await Promise.all([three, five])).toEqual([true, true]);
    vi.advanceTimersByTime(1_000);
    expect(await six).toBe(false);
    vi.useRealTimers();
  });

  it('never goes back by itself, only when the reader begins anew', async () => {
    const gate = new ProgressGate();
    gate.reached(5);
    gate.reached(3);
    expect(gate.position).toBe(5);
    gate.restart(2);
    expect(await gate.wait(3, 1)).toBe(false);
  });
});
