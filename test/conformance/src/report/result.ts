import type { Factors } from '../cases/factors.js';
import type { Verdict } from '../judge/judge.js';

/** What `--json` writes. */
export interface Result {
  readonly passed: number;
  readonly failed: number;
  /** Reported, not recovered, as documented. */
  readonly notRecovered: number;
  readonly cases: readonly CaseResult[];
}

export interface CaseResult {
  readonly id: string;
  readonly title: string;
  readonly factors: Factors;
  readonly result: Verdict['result'];
  readonly reason: string | null;
  readonly why: string;
  readonly faults: readonly string[];
}

export function resultOf(verdicts: readonly Verdict[]): Result {
  const count = (result: Verdict['result']): number => verdicts.filter((one) => one.result === result).length;
  return {
    passed: count('passed'),
    failed: count('failed'),
    notRecovered: count('not recovered'),
    cases: verdicts.map(({ test: { id, title, factors }, result, reason, why, faults }) => ({
      id,
      title,
      factors,
      result,
      reason,
      why,
      faults,
    })),
  };
}

/** A table for the terminal, and what was wrong with each case that failed. */
export function printed({ passed, failed, notRecovered, cases }: Result): string {
  const width = Math.max(...cases.map(({ id }) => id.length));
  const rows = cases.flatMap(({ id, title, result, reason, faults }) => [
    `${id.padEnd(width)}  ${result.padEnd(13)}  ${title}${reason === null || result === 'passed' ? '' : `: ${reason}`}`,
    ...faults.map((fault) => `${' '.repeat(width + 2)}! ${fault.split('\n').join(' ')}`),
  ]);
  return [
    ...rows,
    '',
    `${passed} passed, ${failed} failed, ${notRecovered} not recovered as documented`,
  ].join('\n');
}
