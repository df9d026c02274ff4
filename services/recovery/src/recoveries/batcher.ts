import { setTimeout as delay } from 'node:timers/promises';

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Hands on what has come together while the batch before was worked on, and within `lingerMs` after the first of them; one
 * batch at a time.
 */
export class Batcher<T> {
  private waiting: Waiting<T>[] = [];
  private working = false;

  constructor(
    private readonly work: (items: readonly T[]) => Promise<void>,
    private readonly maxBatch: number,
    private readonly lingerMs: number,
  ) {}

  /** Settles as the batch with this item does. */
  submit(item: T): Promise<void> {
    const done = new Promise<void>((resolve, reject) => this.waiting.push({ item, resolve, reject }));
    if (!this.working) void this.run();
    return done;
  }

  private async run(): Promise<void> {
    this.working = true;
    while (this.waiting.length > 0) {
      if (this.lingerMs > 0) await delay(this.lingerMs);
      const batch = this.waiting.splice(0, this.maxBatch);
      try {
        await this.work(batch.map((one) => one.item));
        for (const one of batch) one.resolve();
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    this.working = false;
  }
}
