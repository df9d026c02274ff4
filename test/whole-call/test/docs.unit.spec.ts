import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../src/index.js';

const page = new URL('../../../docs/whole-call.md', import.meta.url);

describe('the documentation', () => {
  it('has every case with its title, and no other', async () => {
    const listed = [
      ...(await readFile(page, 'utf8')).matchAll(/^\| `([^`]+)` +\| (.+?) +\| (?:passed|failed) +\|$/gm),
    ];
    const cases = catalogue().map(({ id, title }) => [id, title]);
    expect(listed.map(([, id, title]) => [id, title])).toEqual(cases);
  });
});
