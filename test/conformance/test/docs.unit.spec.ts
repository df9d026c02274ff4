import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../src/cases/catalogue.js';
import { expectationOf } from '../src/cases/expectation.js';
import { documentation } from '../src/report/docs.js';
import { printed, resultOf } from '../src/report/result.js';

const page = new URL('../../../docs/conformance.md', import.meta.url);

describe('the documentation', () => {
  it('has every case with its description, and no other', async () => {
    const listed = [
      ...(await readFile(page, 'utf8')).matchAll(/^\| `([^`]+)` +\| (.+?) +\| (passed|not recovered)/gm),
    ];
    const cases = catalogue().map(({ id, title }) => [id, title]);
    expect(listed.map(([, id, title]) => [id, title])).toEqual(cases);
  });

  it('says of each case what the rules expect', async () => {
    const text = await readFile(page, 'utf8');
    for (const test of catalogue()) {
      const expected = expectationOf(test);
      const line = text.split('\n').find((one) => one.startsWith(`| \`${test.id}\``)) ?? '';
      const notRecovered = expected.outcome === 'failed' || expected.outcome === 'skipped';
      expect(line).toContain(notRecovered ? 'not recovered' : 'passed');
      if (notRecovered && !expected.reasons.includes(undefined))
        expect(expected.reasons.some((reason) => line.includes(`\`${reason}\``))).toBe(true);
    }
  });
});

describe('a result', () => {
  const [first, second] = catalogue();
  if (first === undefined || second === undefined) throw new Error('there are cases');
  const result = resultOf([
    { test: first, result: 'not recovered', reason: 'dialog-gone', why: 'It is gone.', faults: [] },
    { test: second, result: 'failed', reason: null, why: '', faults: ['its To\ntag'] },
  ]);

  it('is counted', () => {
    expect(result).toMatchObject({ passed: 0, failed: 1, notRecovered: 1 });
  });

  it('is printed with what was wrong', () => {
    expect(printed(result)).toContain('! its To tag');
    expect(printed(result)).toContain('0 passed, 1 failed, 1 not recovered as documented');
  });

  it('becomes a page', () => {
    expect(documentation(result)).toContain(
      `| \`${first.id}\` | ${first.title} | not recovered: \`dialog-gone\` |`,
    );
    expect(documentation(result)).toContain('| `dialog-gone` | It is gone. | 1 |');
  });
});
