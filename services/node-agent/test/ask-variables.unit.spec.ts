import type { AriConnection } from '@reinvite/ari';
import { codedError } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { askVariables } from '../src/activity/ask-variables.js';

const names = new Set(['A', 'B']);

/** Channels that answer so, each after a turn; and how many questions were open at a time. */
function asterisk(answer: (id: string, name: string) => string) {
  const seen = { open: 0, most: 0 };
  const getVariable = async (id: string, name: string): Promise<string> => {
    seen.open += 1;
    seen.most = Math.max(seen.most, seen.open);
    await new Promise(setImmediate);
    seen.open -= 1;
    return answer(id, name);
  };
  return { ari: { channels: { getVariable } } as unknown as AriConnection, seen };
}

describe('the variables of channels', () => {
  it('are asked for one by one, some at a time', async () => {
    const { ari, seen } = asterisk((id, name) => `${id}${name}`);
    const ids = Array.from({ length: 100 }, (_, index) => `${index}`);
    const answers = await askVariables(ari, ids, names);
    expect(answers.size).toBe(100);
    expect(Object.fromEntries(answers.get('7') ?? [])).toEqual({ A: '7A', B: '7B' });
    expect(seen.most).toBe(16);
  });

  it('are not set where Asterisk knows no such variable or channel, or cannot read it', async () => {
    const { ari } = asterisk((id, name) => {
      if (id === 'gone') throw codedError('ARI_NOT_FOUND', 'Provided channel was not found');
      if (name === 'B') throw codedError('ARI_REQUEST_FAILED', 'Unable to read provided function');
      return '1';
    });
    const answers = await askVariables(ari, ['there', 'gone'], names);
    expect([...(answers.get('there')?.values() ?? [])]).toEqual(['1', '']);
    expect([...(answers.get('gone')?.values() ?? [])]).toEqual(['', '']);
  });

  it('are not known where Asterisk does not answer, and not asked for where none are named', async () => {
    const { ari } = asterisk(() => {
      throw codedError('ARI_UNREACHABLE', 'no answer', { maybeSent: true });
    });
    await expect(askVariables(ari, ['a'], names)).rejects.toMatchObject({ code: 'ARI_UNREACHABLE' });
    expect(await askVariables(ari, ['a'], new Set())).toEqual(new Map());
  });
});
