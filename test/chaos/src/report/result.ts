import type { Verdict } from '../check/check.js';
import type { FaultCount } from '../check/check.js';
import { faultOf, FAULTS, isDeadly } from '../draw/catalogue.js';
import type { Injection } from '../draw/fault.js';

/** What was found, for people and programs; times are ms from the beginning of the faults. */
export interface Finding {
  readonly kind: string;
  readonly atMs: number | null;
  readonly call: string;
  readonly text: string;
}

/** A row of the table. */
export interface Row extends FaultCount {
  readonly title: string;
  /** Whether it ends a node: then its calls are to come back, else nobody is to notice anything. */
  readonly deadly: boolean;
  /** Where the design cannot promise zero: why. */
  readonly note: string | null;
}

/** What `--json` writes. */
export interface Result {
  readonly seed: number;
  readonly seconds: number;
  /** Faults injected. */
  readonly faults: number;
  readonly recovered: number;
  /** Lost though the design promises otherwise. */
  readonly lost: number;
  readonly doubled: number;
  readonly wrongTakeovers: number;
  /** Lost where the design promises nothing. */
  readonly beyondPromise: number;
  /** Calls that were not answered for a second yet when their node died, and such as hung up before they were called back. */
  readonly unsettled: number;
  readonly hungUp: number;
  readonly rows: readonly Row[];
  /** Where phones, Asterisks and audit do not agree, and everything that must not be. */
  readonly differences: readonly Finding[];
  readonly limits: readonly Finding[];
  readonly schedule: readonly Injection[];
}

/** What a run was asked for, and when it began. */
export interface RunFacts {
  readonly seed: number;
  readonly seconds: number;
  readonly schedule: readonly Injection[];
  /** Epoch ms. */
  readonly began: number;
}

/** Pure. */
export function resultOf(verdict: Verdict, { seed, seconds, schedule, began }: RunFacts): Result {
  const order = FAULTS.map(({ id }) => id);
  const rows = verdict.faults
    .map((count): Row => {
      const { title, noPromise = null } = faultOf(count.fault);
      return { ...count, title, deadly: isDeadly(count.fault), note: noPromise };
    })
    .sort((one, other) => order.indexOf(one.fault) - order.indexOf(other.fault));
  const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const found = ({ at, ...rest }: Verdict['differences'][number]): Finding => ({
    ...rest,
    atMs: Number.isFinite(at) && at > 0 ? Math.round(at - began) : null,
  });
  return {
    seed,
    seconds,
    faults: sum(({ injected }) => injected),
    recovered: sum((row) => row.recovered),
    lost: sum((row) => row.lost),
    doubled: sum((row) => row.doubled),
    wrongTakeovers: sum((row) => row.wrongTakeovers),
    beyondPromise: sum((row) => row.beyondPromise),
    unsettled: verdict.unsettled,
    hungUp: verdict.hungUp,
    rows,
    differences: verdict.differences.map(found),
    limits: verdict.limits.map(found),
    schedule,
  };
}

/** Whether nothing was lost that was promised, and phones and audit agree; where nothing was at stake nothing was shown. */
export function isGood({ differences, rows }: Result): boolean {
  return wasAtStake(rows) && differences.length === 0;
}

/** A call was on a node that died, or, where none was to die, in progress meanwhile. */
function wasAtStake(rows: readonly Row[]): boolean {
  const deadly = rows.filter((row) => row.deadly);
  return (deadly.length > 0 ? deadly : rows).some(({ atStake }) => atStake > 0);
}

/** For the terminal. */
export function printed(result: Result): string {
  const head = ['fault', 'injected', 'at stake', 'recovered', 'lost', 'wrong', 'doubled'];
  const body = result.rows.map((row) => [
    row.fault,
    ...[row.injected, row.atStake].map(String),
    row.deadly ? String(row.recovered) : '–',
    ...[row.lost, row.wrongTakeovers, row.doubled].map(String),
  ]);
  const table = [head, ...body];
  const widths = head.map((_, column) => Math.max(...table.map((line) => (line[column] ?? '').length)));
  const lines = table.map((line) =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
  const findings = (mark: string, list: readonly Finding[]): string[] =>
    list.map(
      ({ kind, atMs, call, text }) =>
        `  ${mark} ${atMs === null ? '' : `${(atMs / 1_000).toFixed(1)} s `}${kind}${call === '' ? '' : ` ${call}`}: ${text}`,
    );
  return [
    ...lines,
    '',
    `${result.faults} faults (seed ${result.seed}): ${result.recovered} recovered, ${result.lost} lost, ${result.doubled} doubled, ${result.wrongTakeovers} wrong takeovers; ${result.hungUp} hung up meanwhile, ${result.unsettled} were just being answered`,
    ...(result.limits.length === 0 ? [] : ['beyond what is promised:', ...findings('·', result.limits)]),
    result.differences.length === 0
      ? 'differences between phones, Asterisks and audit: none'
      : 'differences between phones, Asterisks and audit:',
    ...findings('✗', result.differences),
    ...(wasAtStake(result.rows) ? [] : ['✗ no call was at stake: this run shows nothing']),
  ].join('\n');
}
