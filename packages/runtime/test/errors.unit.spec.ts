import { describe, expect, it } from 'vitest';
import { ERROR_TABLE } from '../src/errors.js';

const page = (): string =>
  [
    '# Errors',
    '',
    'Every error of Reinvite has a code. `retryable`: Reinvite goes on trying by itself. `terminal`: this message, call or',
    'request is given up, the service goes on. `fatal`: the process cannot run like this and ends with an exit code above 0.',
    '',
    '| code | class | meaning |',
    '| --- | --- | --- |',
    ...Object.entries(ERROR_TABLE).map(([code, [kind, text]]) => `| \`${code}\` | ${kind} | ${text} |`),
    '',
  ].join('\n');

describe('the table of errors', () => {
  it('is what the documentation lists, code, class and meaning (vitest -u writes the page anew)', async () => {
    await expect(page()).toMatchFileSnapshot('../../../docs/errors.md');
  });
});
