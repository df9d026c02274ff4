/**
 * The agent's waking time, ms: while the agent itself stands still (stopped, swapped out, short of processor) nobody's silence
 * grows, for an answer may lie unread.
 */
export class AwakeClock {
  private awakeMs = 0;
  private last: number;

  /**
   * @param mono monotonic ms.
   * @param stepMs of a longer pause between two looks no more counts than this.
   */
  constructor(
    private readonly mono: () => number,
    private readonly stepMs: number,
  ) {
    this.last = mono();
  }

  /** To be called many times in `stepMs`. */
  look(): number {
    const now = this.mono();
    this.awakeMs += Math.min(now - this.last, this.stepMs);
    this.last = now;
    return this.awakeMs;
  }
}
