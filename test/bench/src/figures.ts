import type { Detection } from './detection.js';
import type { Latency, Spread } from './latency.js';
import type { Memory } from './memory.js';
import type { Throughput } from './throughput.js';

/** Everything that one run measured; what it was not to measure is undefined. */
export interface Figures {
  /** Of the machine: its processors, and the load averages of the last minute before and after. */
  readonly machine: { readonly processors: number; readonly loadBefore: number; readonly loadAfter: number };
  readonly ledger: LedgerFigures | undefined;
  readonly detection: Detection | undefined;
}

export interface LedgerFigures {
  readonly throughput: readonly { readonly floor: Throughput; readonly ledger: Throughput }[];
  readonly memory: readonly Memory[];
  readonly latency: Latency;
}

/** The figures as a table for people. */
export function render({ machine, ledger, detection }: Figures): string {
  const { processors, loadBefore, loadAfter } = machine;
  const load = `${processors} processors; load average ${tenths(loadBefore)} before, ${tenths(loadAfter)} after`;
  const tables = [
    ...(ledger === undefined ? [] : [aligned(ledgerRows(ledger))]),
    ...(detection === undefined ? [] : [aligned(detectionRows(detection))]),
  ];
  return [...tables, load].join('\n\n');
}

type Row = readonly [string, string, string, string];

function detectionRows({ kills, calls, nodeDown, floor }: Detection): Row[] {
  const what = `kill -9 to NodeDown, ${kills} times with ${whole(calls)} calls, ms: median / p99`;
  return [
    ['', 'detection', 'floor', 'ratio'],
    [what, spread(nodeDown), spread(floor), ratio(nodeDown.median, floor.median)],
  ];
}

function ledgerRows({ throughput, memory, latency }: LedgerFigures): Row[] {
  const rows: Row[] = [['', 'ledger', 'floor', 'ratio']];
  for (const { floor, ledger } of throughput) {
    const at = `at ${whole(ledger.sentPerSecond)} messages/s`;
    rows.push(
      [`${at}: lost of ${whole(ledger.sent)}`, whole(ledger.lost), whole(floor.lost), ''],
      [
        `${at}: µs of processor time each`,
        tenths(ledger.cpuUs),
        tenths(floor.cpuUs),
        ratio(ledger.cpuUs, floor.cpuUs),
      ],
      [
        `${at}: messages/s that fill one core`,
        whole(1e6 / ledger.cpuUs),
        whole(1e6 / floor.cpuUs),
        ratio(floor.cpuUs, ledger.cpuUs),
      ],
    );
  }
  for (const { liveCalls, bytesHot, bytesCalm } of memory)
    rows.push(
      [`bytes a dialog, ${whole(liveCalls)} just set up`, whole(bytesHot), '', ''],
      [`bytes a dialog, ${whole(liveCalls)} that talk`, whole(bytesCalm), '', ''],
    );
  const { floor, barrier, readable } = latency;
  rows.push(
    ['barrier, ms: median / p99', spread(barrier), spread(floor), ratio(barrier.median, floor.median)],
    [
      'readable in Postgres, ms: median / p99',
      spread(readable),
      spread(floor),
      ratio(readable.median, floor.median),
    ],
  );
  return rows;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const tenths = (value: number): string => value.toFixed(1);
const ratio = (a: number, b: number): string => `${(a / b).toFixed(2)} ×`;
const spread = ({ median, p99 }: Spread): string => `${tenths(median)} / ${tenths(p99)}`;
