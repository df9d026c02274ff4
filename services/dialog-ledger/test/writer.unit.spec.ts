import { codedError } from '@reinvite/runtime';
import type { Evidence } from '@reinvite/sip';
import { describe, expect, it, vi } from 'vitest';
import { writeBatch } from '../src/writer.js';
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
    expect(await writeBatch(batch, upsert, log)).toBe(4);
    expect(written).toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives nothing up for a refusal that is not about the data', async () => {
    const refused = codedError('POSTGRES_QUERY_FAILED', 'permission denied', { postgresCode: '42501' });
    const upsert = vi.fn().mockRejectedValue(refused);
    await expect(writeBatch(batch, upsert, log)).rejects.toBe(refused);
    expect(upsert).toHaveBeenCalledTimes(1);
  });
});
