import { codedError } from '@reinvite/runtime';
import type { Evidence } from '@reinvite/sip';
import { describe, expect, it, vi } from 'vitest';
import { BatchWriter } from '../src/writer.js';
import { log } from './captures.js';

describe('writing a batch', () => {
  const evidence = (callId: string): Evidence => ({ callId }) as Evidence;
  const batch = ['a', 'b', 'bad', 'c', 'd'].map(evidence);

  it('writes the others where the data of one is refused', async () => {
    const written: string[] = [];
    const upsert = async (part: readonly Evidence[]): Promise<void> => {
      if (part.some(({ callId }) => callId === 'bad')) {
        throw codedError('POSTGRES_QUERY_FAILED', 'invalid data', { postgresCode: '22021' });
      }
      written.push(...part.map(({ callId }) => callId));
    };
    expect(await new BatchWriter(log).write(batch, upsert)).toEqual({ dialogs: 4, refused: 1 });
    expect(written).toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives nothing up for a refusal that is not about the data', async () => {
    const refused = codedError('POSTGRES_QUERY_FAILED', 'permission denied', { postgresCode: '42501' });
    const upsert = vi.fn().mockRejectedValue(refused);
    await expect(new BatchWriter(log).write(batch, upsert)).rejects.toBe(refused);
    expect(upsert).toHaveBeenCalledTimes(1);
  });

  it('writes the others where one makes the statement too long', async () => {
    const upsert = async (part: readonly Evidence[]): Promise<void> => {
      if (part.some(({ callId }) => callId === 'bad')) throw new RangeError('Invalid string length');
    };
    expect(await new BatchWriter(log).write(batch, upsert)).toEqual({ dialogs: 4, refused: 1 });
  });

  const timeout = codedError('POSTGRES_BUSY', 'canceling statement', { postgresCode: '57014' });

  it('leaves one out that takes too long alone, again and again, and only then', async () => {
    const written: string[] = [];
    const upsert = async (part: readonly Evidence[]): Promise<void> => {
      if (part.some(({ callId }) => callId === 'bad')) throw timeout;
      written.push(...part.map(({ callId }) => callId));
    };
    const writer = new BatchWriter(log);
    for (let time = 0; time < 2; time += 1) {
      await expect(writer.write(batch, upsert)).rejects.toBe(timeout);
      expect(written).toEqual([]);
    }
    for (let time = 0; time < 2; time += 1) {
      await expect(writer.write(batch, upsert)).rejects.toBe(timeout);
      expect(written.splice(0)).toEqual(['a', 'b', 'c', 'd']);
    }
    expect(await writer.write(batch, upsert)).toEqual({ dialogs: 4, refused: 1 });
    await expect(writer.write(batch, upsert)).rejects.toBe(timeout);
  });

  it('gives nothing up while the server is slow', async () => {
    const writer = new BatchWriter(log);
    for (let time = 0; time < 4; time += 1)
      await expect(writer.write(batch, () => Promise.reject(timeout))).rejects.toBe(timeout);
    const writesOne = vi.fn().mockRejectedValue(timeout);
    await expect(writer.write(batch.slice(0, 1), writesOne)).rejects.toBe(timeout);
  });
});
