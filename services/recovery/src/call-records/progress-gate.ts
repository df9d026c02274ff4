/** Lets callers wait for a reader to come by a sequence, without polling. */
export class ProgressGate {
  private current = 0;
  private readonly lingering = new Set<() => void>();
  private readonly waiting = new Set<{ readonly seq: number; readonly open: () => void }>();

  get position(): number {
    return this.current;
  }

  /** The reader begins anew from here; this may be behind where it was. */
  restart(position: number): void {
    this.current = position;
    this.openReached();
  }

  /** The reader has come this far. */
  reached(position: number): void {
    if (position <= this.current) return;
    this.current = position;
    this.openReached();
  }

  /** Resolves after `ms`, or as soon as somebody waits for the reader. */
  linger(ms: number): Promise<void> {
    if (this.waiting.size > 0) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.lingering.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.lingering.add(end);
    });
  }

  /** Resolves true once the reader has reached `seq`, false after `timeoutMs`. */
  wait(seq: number, timeoutMs: number): Promise<boolean> {
    if (this.current >= seq) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (result: boolean): void => {
        clearTimeout(timer);
        this.waiting.delete(entry);
        resolve(result);
      };
      const entry = { seq, open: () => settle(true) };
      const timer = setTimeout(() => settle(false), timeoutMs);
      this.waiting.add(entry);
      for (const end of this.lingering) end();
    });
  }

  private openReached(): void {
    for (const entry of this.waiting) if (this.current >= entry.seq) entry.open();
  }
}
