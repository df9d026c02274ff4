import { describe, expect, it } from 'vitest';
import { REASONS, workerReason } from '../src/index.js';

const page = (): string =>
  [
    '# Reasons',
    '',
    'Every call of a dead incarnation gets exactly one outcome: `recovered`, `partly-recovered`, `failed` or `skipped`. The last',
    'three carry one of these reasons; so does every leg that did not come back. A skipped leg gets no re-INVITE, because a wrong',
    'one is answered 481 and ends a call that could have lived.',
    '',
    '| reason | of what | meaning |',
    '| --- | --- | --- |',
    ...Object.entries(REASONS).map(([reason, [kind, text]]) => `| \`${reason}\` | ${kind} | ${text} |`),
    '',
    'Why legs were not joined (`leg-ended`, `join-timeout`, `bridge-refused`) stands in the `JoinFailed` of the timeline.',
    '',
  ].join('\n');

describe('the table of reasons', () => {
  it('is what the documentation lists (vitest -u writes the page anew)', async () => {
    await expect(page()).toMatchFileSnapshot('../../../docs/reasons.md');
  });

  it('has the codes of the ari-workers in lower case', () => {
    expect(workerReason('REINVITE_REJECTED')).toBe('reinvite-rejected');
  });
});
