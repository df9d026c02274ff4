import { describe, expect, it } from 'vitest';
import { toJsonb } from '../src/jsonb.js';

describe('JSON for Postgres', () => {
  it('is plain JSON where that can be stored', () => {
    const value = { name: 'Zoë "☎" 😀', list: [1, null, true], path: 'C:\\u0041' };
    expect(toJsonb(value)).toBe(JSON.stringify(value));
  });

  it('replaces NUL and halves of surrogate pairs, in keys of any depth', () => {
    expect(JSON.parse(toJsonb([{ name: 'a\0b', deep: { half: 'x\ud83dy', other: '\udc00' } }]))).toEqual([
      { name: 'a\uFFFDb', deep: { half: 'x\uFFFDy', other: '\uFFFD' } },
    ]);
  });

  it('keeps text that only looks like an escape', () => {
    const value = { text: '\\u0000 and \\ud800' };
    expect(JSON.parse(toJsonb(value))).toEqual(value);
  });
});
