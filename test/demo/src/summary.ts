import { percentile, type CallVerdict, type Crash } from '@reinvite/test-phones';
import type { Audit } from './audit.js';

/** A call that did not come through, or about which phones and audit disagree. */
export interface Failure {
  /** Number of the caller. */
  readonly call: string;
  readonly kind: string;
  readonly reasons: readonly string[];
}

/** What `--json` writes. Times are in ms from the SIGKILL, and null where nothing was measured. */
export interface Summary {
  /** Calls of which a phone was talking through the killed node; a pair of phones is one call. */
  readonly eligible: number;
  /** Eligible calls that came back and were ended by their phone's own BYE, answered 200. */
  readonly recovered: number;
  readonly failed: readonly Failure[];
  readonly detectMs: number | null;
  /** The phones' 200 to their re-INVITE: first, median, 99th percentile, last. A pair has two. */
  readonly firstMs: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly lastMs: number | null;
  /** Longest silence in what a phone received around the crash, over all phones of eligible calls. */
  readonly voiceGapP50Ms: number | null;
  readonly voiceGapP99Ms: number | null;
}

/** What was seen of one crash. */
export interface Evidence {
  readonly crash: Crash;
  readonly verdicts: readonly CallVerdict[];
  readonly audit: Audit;
  /** What went wrong besides: calls that noticed something without need, captures that lost packets. */
  readonly besides: readonly string[];
}

/** Pure: the same evidence gives the same summary. The phones decide; where the audit says otherwise, that is a failure. */
export function summarize({ crash, verdicts, audit, besides }: Evidence): Summary {
  const judged = verdicts.map((verdict) => ({
    call: verdict.number,
    kind: verdict.kind,
    reasons: [...verdict.reasons, ...disagreement(verdict, audit)],
  }));
  const answered = verdicts.flatMap(({ phones }) => phones.flatMap(({ answeredMs }) => answeredMs ?? []));
  const gaps = verdicts.flatMap(({ phones }) => phones.map(({ voiceGapMs }) => voiceGapMs));
  const wrong = judged.filter(({ reasons }) => reasons.length > 0);
  return {
    eligible: verdicts.length,
    recovered: judged.length - wrong.length,
    failed: [
      ...wrong,
      ...strangers(verdicts, audit),
      ...besides.map((reason) => ({ call: '', kind: '', reasons: [reason] })),
      ...(verdicts.length === 0
        ? [{ call: '', kind: '', reasons: ['no call was in progress on the node'] }]
        : []),
    ],
    detectMs: audit.downAt === null ? null : Math.max(0, whole(audit.downAt - crash.at) ?? 0),
    firstMs: whole(percentile(answered, 0)),
    p50Ms: whole(percentile(answered, 0.5)),
    p99Ms: whole(percentile(answered, 0.99)),
    lastMs: whole(percentile(answered, 1)),
    voiceGapP50Ms: whole(percentile(gaps, 0.5)),
    voiceGapP99Ms: whole(percentile(gaps, 0.99)),
  };
}

function disagreement(verdict: CallVerdict, audit: Audit): string[] {
  const cameBack = verdict.phones.every(({ answeredMs }) => answeredMs !== null);
  const row = rowOf(verdict, audit);
  if (row === undefined) return ['the audit has no recovery of it'];
  if ((row.outcome === 'recovered') === cameBack) return [];
  return [`the audit says ${row.outcome}${row.reason === null ? '' : ` (${row.reason})`}`];
}

/** A call is known to the audit by the SIP Call-ID of its first leg, the caller's. */
function rowOf(verdict: CallVerdict, audit: Audit): { outcome: string; reason: string | null } | undefined {
  return verdict.phones.flatMap(({ callId }) => audit.recoveries.get(callId) ?? [])[0];
}

/** Calls that the audit counts as recovered and in which no phone was talking. */
function strangers(verdicts: readonly CallVerdict[], audit: Audit): Failure[] {
  const known = new Set(verdicts.flatMap(({ phones }) => phones.map(({ callId }) => callId)));
  return [...audit.recoveries]
    .filter(([callId, { outcome }]) => !known.has(callId) && outcome === 'recovered')
    .map(([callId]) => ({
      call: callId,
      kind: '',
      reasons: ['the audit says recovered, and no phone was talking'],
    }));
}

function whole(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Math.round(value);
}

/** Whether everything that the demo promises has come true. */
export function isGood({ eligible, recovered, failed }: Summary): boolean {
  return eligible > 0 && recovered === eligible && failed.length === 0;
}

/** The table for people. */
export function renderSummary(summary: Summary, crash: Crash): string {
  const ms = (value: number | null): string => (value === null ? '–' : `${value} ms`);
  const rows: [string, string][] = [
    ['killed node', crash.node],
    ['eligible calls', String(summary.eligible)],
    ['recovered and ended well', String(summary.recovered)],
    ['failed', String(summary.failed.length)],
    ['from the kill to detection', ms(summary.detectMs)],
    ['  to the first answered re-INVITE', ms(summary.firstMs)],
    ['  to the median', ms(summary.p50Ms)],
    ['  to the 99th percentile', ms(summary.p99Ms)],
    ['  to the last', ms(summary.lastMs)],
    ['voice gap, median', ms(summary.voiceGapP50Ms)],
    ['voice gap, 99th percentile', ms(summary.voiceGapP99Ms)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const failures = summary.failed.map(
    ({ call, kind, reasons }) =>
      `  ✗ ${[kind, call].filter((text) => text !== '').join(' ')}: ${reasons.join('; ')}`,
  );
  return [...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`), ...failures].join('\n');
}
