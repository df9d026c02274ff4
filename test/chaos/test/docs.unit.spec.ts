import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { FAULTS } from '../src/draw/catalogue.js';

const page = new URL('../../../docs/faults.md', import.meta.url);

describe('the documentation', () => {
  it('has every fault with what is done, and no other', async () => {
    const text = await readFile(page, 'utf8');
    const listed = [...text.matchAll(/^\| `([^`]+)` \| ([^|]+?) \|/gm)].map(([, id, title]) => [id, title]);
    expect(listed).toEqual(FAULTS.map(({ id, title }) => [id, title]));
  });

  it('says where zero cannot be promised', async () => {
    const text = await readFile(page, 'utf8');
    for (const { id, noPromise } of FAULTS)
      if (noPromise !== undefined) expect(text).toContain(`- \`${id}\`: ${noPromise}`);
  });
});
