import { describe, expect, it } from 'vitest';
import { Batcher } from '../src/recoveries/batcher.js';

describe('a batcher', () => {
  it('hands on together what came while the batch before was worked on, in order', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number>(
      async (items) => {
        batches.push([...items]);
        await new Promise((resolve) => setImmediate(resolve));
      },
      3,
      0,
    );
    await Promise.all([1, 2, 3, 4, 5].map((item) => batcher.submit(item)));
    expect(batches).toEqual([[1], [2, 3, 4], [5]]);
  });

  it('fails those whose batch failed, and goes on', async () => {
    const batcher = new Batcher<number>(
      async (items) => {
        if (items.includes(1)) throw new Error('no');
      },
      1,
      0,
    );
    const results = await Promise.allSettled([batcher.submit(1), batcher.submit(2)]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'fulfilled']);
  });
});
