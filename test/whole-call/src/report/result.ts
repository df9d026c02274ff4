import { hasPassed, type CaseVerdict } from '../judge/verdict.js';

/** What `--json` writes. */
export interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly cases: readonly CaseResult[];
}

export interface CaseResult extends CaseVerdict {
  readonly result: 'passed' | 'failed';
}

export function resultOf(verdicts: readonly CaseVerdict[]): Result {
  const cases = verdicts.map((verdict): CaseResult => ({
    result: hasPassed(verdict) ? 'passed' : 'failed',
    ...verdict,
  }));
  const passed = cases.filter(({ result }) => result === 'passed').length;
  return { passed, failed: cases.length - passed, cases };
}

/** A table for the terminal, and what was wrong with each case that failed. */
export function printed({ passed, failed, cases }: Result): string {
  const width = Math.max(0, ...cases.map(({ id }) => id.length));
  const rows = cases.flatMap(({ id, title, result, crashes, faults }) => [
    `${id.padEnd(width)}  ${result}  ${title}`,
    ...crashes.map(
      ({ node, answeredMs, heardMs, prompt }) =>
        `${' '.repeat(width + 2)}${node} died: re-INVITEs answered after ${ms(answeredMs)}, all heard as before after ${ms(heardMs)}${
          prompt === undefined
            ? ''
            : `, the prompt was at ${ms(prompt.leftAt)} and went on at ${ms(prompt.wentOnAt)}`
        }`,
    ),
    ...[...crashes.flatMap((crash) => crash.faults.map((fault) => `${crash.node}: ${fault}`)), ...faults].map(
      (fault) => `${' '.repeat(width + 2)}! ${fault.split('\n').join(' ')}`,
    ),
    ...crashes.flatMap(({ node, notRestored }) =>
      notRestored.map((what) => `${' '.repeat(width + 2)}? ${node}: not restored: ${what}`),
    ),
  ]);
  return [...rows, '', `${passed} passed, ${failed} failed`].join('\n');
}

function ms(value: number | null): string {
  return value === null ? 'never' : `${Math.round(value)} ms`;
}
