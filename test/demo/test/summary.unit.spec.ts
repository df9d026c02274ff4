import type { CallVerdict } from '@reinvite/test-phones';
import { describe, expect, it } from 'vitest';
import type { Audit } from '../src/audit.js';
import { isGood, renderSummary, summarize, type Evidence } from '../src/summary.js';

const CRASH = { node: 'ast1', at: 1_000.4 };

function call(
  number: string,
  answeredMs: number | null,
  voiceGapMs: number,
  reasons: string[] = [],
): CallVerdict {
  return {
    number,
    kind: 'app',
    phones: [{ role: 'caller', callId: `${number}@phone`, answeredMs, voiceGapMs, node: 'ast2' }],
    reasons,
  };
}

function audit(outcomes: Record<string, string>): Audit {
  return {
    downAt: 1_012,
    recoveries: new Map(
      Object.entries(outcomes).map(([callId, outcome]) => [
        callId,
        { outcome, reason: outcome === 'recovered' ? null : 'no-target' },
      ]),
    ),
  };
}

const good: Evidence = {
  crash: CRASH,
  verdicts: [call('1', 80.2, 101), call('2', 95, 140.6), call('3', 90, 120)],
  audit: audit({ '1@phone': 'recovered', '2@phone': 'recovered', '3@phone': 'recovered' }),
  besides: [],
};

describe('the summary', () => {
  it('of a crash that was survived has nothing but times', () => {
    const summary = summarize(good);
    expect(summary).toEqual({
      eligible: 3,
      recovered: 3,
      failed: [],
      detectMs: 12,
      firstMs: 80,
      p50Ms: 90,
      p99Ms: 95,
      lastMs: 95,
      voiceGapP50Ms: 120,
      voiceGapP99Ms: 141,
    });
    expect(isGood(summary)).toBe(true);
  });

  it('counts a call as failed for what its phones saw', () => {
    const summary = summarize({
      ...good,
      verdicts: [...good.verdicts.slice(1), call('1', 80, 100, ['caller: has not ended'])],
    });
    expect(summary).toMatchObject({
      recovered: 2,
      failed: [{ call: '1', kind: 'app', reasons: ['caller: has not ended'] }],
    });
    expect(isGood(summary)).toBe(false);
  });

  it('counts every disagreement of phones and audit as a failure', () => {
    const { failed } = summarize({
      ...good,
      audit: audit({
        '1@phone': 'failed',
        '2@phone': 'recovered',
        '9@phone': 'recovered',
        '8@phone': 'skipped',
      }),
    });
    expect(failed).toEqual([
      { call: '1', kind: 'app', reasons: ['the audit says failed (no-target)'] },
      { call: '3', kind: 'app', reasons: ['the audit has no recovery of it'] },
      { call: '9@phone', kind: '', reasons: ['the audit says recovered, and no phone was talking'] },
    ]);
  });

  it('is bad where no call was eligible, and where something else went wrong', () => {
    expect(isGood(summarize({ ...good, verdicts: [], audit: audit({}) }))).toBe(false);
    expect(isGood(summarize({ ...good, besides: ['3 packets were not captured'] }))).toBe(false);
  });

  it('says null where nothing was measured', () => {
    const summary = summarize({
      ...good,
      verdicts: [call('1', null, Infinity, ['no re-INVITE came'])],
      audit: { downAt: null, recoveries: new Map() },
    });
    expect(summary).toMatchObject({ detectMs: null, firstMs: null, lastMs: null, voiceGapP50Ms: null });
    expect(renderSummary(summary, CRASH)).toContain('no re-INVITE came');
  });
});
