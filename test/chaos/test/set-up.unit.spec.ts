import { describe, expect, it } from 'vitest';
import { check } from '../src/check/check.js';
import type { Evidence } from '../src/check/evidence.js';
import { app, bye, calm, DEATH, evidence, life, pair, request, REVIVED } from './run.js';

function kindsOf(seen: Evidence): string[] {
  return check(seen).differences.map(({ kind }) => kind);
}

describe('a call is not set up', () => {
  const inviteAt = (at: number, answer: { status: number; at: number } | null) =>
    request({ by: 'phone', cseq: 1, at, node: '', answer, ackedAt: null });
  const called = (at: number, status: number | null) =>
    app([], { invite: inviteAt(at, status === null ? null : { status, at: at + 5 }) });

  it('where its INVITE was refused or not answered', () => {
    for (const status of [503, null]) {
      expect(kindsOf(calm({ calls: [called(DEATH, status)] }))).toEqual(['not-set-up']);
      const seen = evidence({ calls: [called(DEATH - 5_000, status)], recoveries: [] });
      expect(kindsOf(seen)).toEqual(['not-set-up']);
    }
  });

  it('where the other phone of a pair was not called', () => {
    const alone = { ...pair([bye('phone')], []), callee: undefined };
    expect(kindsOf(calm({ calls: [alone] }))).toEqual(['not-set-up']);
  });

  it('not where an Asterisk died or started meanwhile', () => {
    for (const at of [DEATH - 3_000, DEATH + 4_900, REVIVED + 3_000])
      expect(kindsOf(evidence({ calls: [called(at, 503)], recoveries: [] }))).toEqual([]);
    expect(kindsOf(evidence({ calls: [called(DEATH + 5_100, 503)], recoveries: [] }))).toEqual([
      'not-set-up',
    ]);
  });

  it('not where an Asterisk died later, on a machine that takes so long to set a call up', () => {
    const seen = evidence({ calls: [called(DEATH - 7_000, 503)], recoveries: [] });
    expect(kindsOf(seen)).toEqual(['not-set-up']);
    expect(kindsOf({ ...seen, patience: 2 })).toEqual([]);
  });

  it('by a node that has just started, answers and ends it at once, having no application yet: no loss', () => {
    const since = app([]).caller.invite.at;
    const lives = [life('ast1', { startedAt: since - 2_000 }), life('ast2')];
    const ended = (afterMs: number) =>
      kindsOf(calm({ lives, calls: [app([bye('network', since + afterMs)])] }));
    expect(ended(300)).toEqual([]);
    expect(ended(3_000)).toEqual(['lost']);
  });
});
