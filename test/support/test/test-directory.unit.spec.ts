import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { testDirectory } from '../src/index.js';

describe('a directory of a test', () => {
  let ofOneTest = '';

  describe('that is made', () => {
    const ofAll = testDirectory('reinvite-test-of-all-');
    let ofHook = '';
    const seen: string[] = [];
    beforeEach(() => void seen.push((ofHook = testDirectory('reinvite-test-of-hook-'))));
    afterAll(() => {
      expect(seen).toHaveLength(2);
      // The hooks that were registered first run last.
      expect([...seen, ofOneTest, ofAll].map(existsSync)).toEqual([false, false, false, true]);
      ofOneTest = ofAll;
    });

    it('in it is there while it runs', async () => {
      ofOneTest = testDirectory('reinvite-test-of-one-');
      await writeFile(path.join(ofOneTest, 'file'), '');
      expect([ofAll, ofHook, ofOneTest].map(existsSync)).toEqual([true, true, true]);
    });

    it('in it, or in its beforeEach, is gone with it; one of its describe stays', () => {
      expect([ofAll, seen[0] ?? '', ofOneTest].map(existsSync)).toEqual([true, false, false]);
    });
  });

  it('by a describe is gone with that', () => {
    expect(existsSync(ofOneTest)).toBe(false);
  });
});
