import { describe, expect, it } from 'vitest';
import { check } from '../src/check/check.js';
import type { Evidence } from '../src/check/evidence.js';
import {
  app,
  bye,
  calm,
  death,
  DEATH,
  evidence,
  life,
  LIVES,
  pair,
  recovery,
  request,
  REVIVED,
} from './run.js';

function kindsOf(seen: Evidence): string[] {
  return check(seen).differences.map(({ kind }) => kind);
}

function countsOf(seen: Evidence) {
  const [count] = check(seen).faults;
  return count;
}

const BACK_ON_3 = request({ at: DEATH + 900, cseq: 1101, node: 'ast3' });

describe('a run in which everything went well', () => {
  it('has no difference', () => {
    expect(kindsOf(evidence())).toEqual([]);
    expect(countsOf(evidence())).toEqual({
      fault: 'node-killed',
      injected: 1,
      atStake: 1,
      recovered: 1,
      lost: 0,
      beyondPromise: 0,
      wrongTakeovers: 0,
      doubled: 0,
    });
  });

  it('may have a pair, of which one phone hangs up and the other is hung up', () => {
    const calls = [pair([request({}), bye('phone')], [request({}), bye('network')])];
    expect(kindsOf(evidence({ calls }))).toEqual([]);
  });

  it('may have no death at all, and counts the calls in progress', () => {
    expect(kindsOf(calm())).toEqual([]);
    expect(countsOf(calm())).toMatchObject({ atStake: 1, recovered: 0, lost: 0 });
  });
});

describe('a call is lost', () => {
  const failed = [recovery({ outcome: 'failed', reason: 'target-lost' })];

  it('where no re-INVITE came', () => {
    const seen = evidence({ calls: [app([])], recoveries: failed });
    expect(kindsOf(seen)).toEqual(['lost']);
    expect(countsOf(seen)).toMatchObject({ atStake: 1, recovered: 0, lost: 1 });
  });

  it('where the phone refused it', () => {
    const refused = request({ answer: { status: 481, at: DEATH + 305 } });
    expect(kindsOf(evidence({ calls: [app([refused])], recoveries: failed }))).toEqual(['lost']);
  });

  it('where its 200 got no ACK', () => {
    expect(kindsOf(evidence({ calls: [app([request({ ackedAt: null })])], recoveries: failed }))).toEqual([
      'lost',
    ]);
  });

  it('where only one phone of a pair came back, or each on another node', () => {
    const half = pair([request({}), bye('phone')], []);
    expect(kindsOf(evidence({ calls: [half], recoveries: failed }))).toEqual(['lost']);
    const apart = pair([request({}), bye('phone')], [request({ node: 'ast3' }), bye('network')]);
    expect(kindsOf(evidence({ calls: [apart], recoveries: failed }))).toEqual(['lost']);
  });

  it('where it came back and could not be ended', () => {
    expect(kindsOf(evidence({ calls: [app([request({}), bye('phone', 120_000, 481)])] }))).toEqual(['lost']);
    expect(kindsOf(evidence({ calls: [app([request({}), bye('phone', 120_000, null)])] }))).toEqual(['lost']);
    expect(kindsOf(evidence({ calls: [app([request({})])] }))).toEqual(['lost']);
  });

  it('where it was hung up though nobody had hung up, after a recovery or without any death', () => {
    expect(kindsOf(evidence({ calls: [app([request({}), bye('network')])] }))).toEqual(['lost']);
    expect(kindsOf(calm({ calls: [app([bye('network')])] }))).toEqual(['lost']);
  });

  it('where it waited longer than it should have to, and then hung up by itself', () => {
    const late = app([bye('phone', DEATH + 9_000, null)]);
    expect(kindsOf(evidence({ calls: [late], recoveries: failed }))).toEqual(['lost']);
  });

  it('and is no difference where nobody could see it, yet is counted', () => {
    const seen = evidence({
      calls: [app([])],
      recoveries: failed,
      blind: [{ from: 89_000, to: 91_000 }],
    });
    expect(kindsOf(seen)).toEqual([]);
    expect(check(seen).limits).toHaveLength(1);
    expect(countsOf(seen)).toMatchObject({ atStake: 1, recovered: 0, lost: 0, beyondPromise: 1 });
  });
});

describe('a call is late', () => {
  it('where it was back after its phones had to wait no longer, and counts as recovered', () => {
    const seen = evidence({ calls: [app([request({ at: DEATH + 5_100 }), bye('phone')])] });
    expect(kindsOf(seen)).toEqual(['late']);
    expect(countsOf(seen)).toMatchObject({ recovered: 1, lost: 0 });
  });

  it('where one phone of a pair was', () => {
    const back = [request({ at: DEATH + 5_100 }), bye('network')];
    expect(kindsOf(evidence({ calls: [pair([request({}), bye('phone')], back)] }))).toEqual(['late']);
  });

  it('not within the time that its fault has', () => {
    const seen = evidence({ calls: [app([request({ at: DEATH + 4_900 }), bye('phone')])] });
    expect(kindsOf(seen)).toEqual([]);
  });
});

describe('a call is no loss', () => {
  it('where its phone hung up before it was called back, and the audit may say what it likes', () => {
    for (const outcome of ['recovered', 'failed']) {
      const seen = evidence({
        calls: [app([bye('phone', DEATH + 100, null)])],
        recoveries: [recovery({ outcome })],
      });
      expect(kindsOf(seen)).toEqual([]);
      expect(check(seen).hungUp).toBe(1);
      expect(countsOf(seen)).toMatchObject({ recovered: 0 });
    }
  });

  it('yet the audit must know of it, where the call was whole when its node died', () => {
    const calls = [app([bye('phone', DEATH + 100, null)])];
    expect(kindsOf(evidence({ calls, recoveries: [] }))).toEqual(['audit-missing']);
    const before = [app([bye('phone', DEATH - 100, null)])];
    expect(kindsOf(evidence({ calls: before, recoveries: [] }))).toEqual([]);
  });

  it('where it was answered in the last second', () => {
    const fresh = app([], { invite: request({ by: 'phone', cseq: 1, at: DEATH - 200, node: 'ast1' }) });
    const seen = evidence({ calls: [fresh], recoveries: [] });
    expect(kindsOf(seen)).toEqual([]);
    expect(check(seen).unsettled).toBe(1);
  });

  it('where it was answered in the last seconds, on a machine that needs them', () => {
    const invite = request({ by: 'phone', cseq: 1, at: DEATH - 1_500, node: 'ast1' });
    const seen = evidence({ calls: [app([], { invite })], recoveries: [] });
    expect(kindsOf(seen)).toEqual(['lost', 'audit-missing']);
    expect(kindsOf({ ...seen, patience: 2 })).toEqual([]);
  });
});

describe('a call is doubled', () => {
  it('where a second re-INVITE came for the same death though the first was taken', () => {
    const seen = evidence({ calls: [app([request({}), BACK_ON_3, bye('phone')])] });
    expect(kindsOf(seen)).toEqual(['doubled']);
    expect(countsOf(seen)).toMatchObject({ doubled: 1, wrongTakeovers: 0 });
  });

  it('also by the same node', () => {
    const again = request({ at: DEATH + 900, cseq: 1101 });
    expect(kindsOf(evidence({ calls: [app([request({}), again, bye('phone')])] }))).toEqual(['doubled']);
  });

  it('also with the CSeq of the first', () => {
    const again = request({ at: DEATH + 310, node: 'ast3', branch: 'z9hG4bK2', answer: null });
    expect(kindsOf(evidence({ calls: [app([request({}), again, bye('phone')])] }))).toEqual([
      'lost',
      'malformed',
      'doubled',
    ]);
  });

  it('not where the first was refused', () => {
    const refused = request({ answer: { status: 500, at: DEATH + 305 } });
    expect(kindsOf(evidence({ calls: [app([refused, BACK_ON_3, bye('phone')])] }))).toEqual([]);
  });

  it('not where the sender of the first died too: one recovery, with or without the ACK of the first', () => {
    const lives = [
      ...LIVES.filter(({ node }) => node !== 'ast2'),
      life('ast2', { silentAt: DEATH + 400, endedAt: DEATH + 400, injection: 0 }),
    ];
    const deaths = [death(), death({ nodeId: 'ast2', downAt: DEATH + 410 })];
    const unacked = evidence({
      calls: [app([request({ ackedAt: null }), BACK_ON_3, bye('phone')])],
      recoveries: [recovery()],
      lives,
      deaths,
    });
    expect(kindsOf(unacked)).toEqual([]);
    expect(countsOf(unacked)).toMatchObject({ atStake: 1, recovered: 1 });
    const twice = evidence({
      calls: [app([request({}), BACK_ON_3, bye('phone')])],
      recoveries: [recovery(), recovery({ recoveryId: 'r2', nodeId: 'ast2' })],
      lives,
      deaths,
    });
    expect(kindsOf(twice)).toEqual([]);
    expect(countsOf(twice)).toMatchObject({ atStake: 2, recovered: 2 });
  });
});

describe('a call is wrongly taken over', () => {
  it('where its node lived, whichever node the re-INVITE came from', () => {
    for (const node of ['ast1', 'ast2']) {
      const seen = calm({ calls: [app([request({ node }), bye('phone')])] });
      expect(kindsOf(seen)).toEqual(['wrong-takeover']);
      expect(countsOf(seen)).toMatchObject({ wrongTakeovers: 1, doubled: 0 });
    }
  });

  it('where its node hung and was not fenced yet', () => {
    const lives = [life('ast1', { silentAt: DEATH, endedAt: DEATH + 2_000, injection: 0 }), life('ast2')];
    expect(kindsOf(evidence({ lives }))).toEqual(['wrong-takeover']);
    const fenced = [life('ast1', { silentAt: DEATH, endedAt: DEATH + 200, injection: 0 }), life('ast2')];
    expect(kindsOf(evidence({ lives: fenced }))).toEqual([]);
  });

  it('where a node was killed that no fault was to end', () => {
    const lives = [life('ast1', { silentAt: DEATH, endedAt: DEATH }), life('ast2')];
    const seen = evidence({ lives });
    expect(kindsOf(seen)).toEqual(['wrong-fence', 'wrong-death']);
    expect(countsOf(seen)).toMatchObject({ wrongTakeovers: 2 });
  });

  it('where a node was declared dead that lived, or before it died', () => {
    expect(kindsOf(calm({ deaths: [death()] }))).toEqual(['wrong-death']);
    expect(kindsOf(evidence({ deaths: [death({ downAt: DEATH - 5_000 })] }))).toEqual(['wrong-death']);
  });
});

describe('a re-INVITE is malformed', () => {
  it.each([
    ['with other tags', request({ fromTag: 'another' })],
    ['with a CSeq that is not higher', request({ cseq: 0 })],
  ])('%s, and its call is lost', (_, wrong) => {
    expect(kindsOf(evidence({ calls: [app([wrong, bye('phone')])] }))).toEqual(['lost', 'malformed']);
  });

  it('from the node that had died: then nobody has the dialog, whatever the audit says', () => {
    const seen = evidence({ calls: [app([request({ node: 'ast1' }), bye('phone')])] });
    expect(kindsOf(seen)).toEqual(['lost', 'malformed', 'audit-recovered']);
  });
});

describe('the audit differs', () => {
  it('where it says recovered and the phone was not', () => {
    expect(kindsOf(evidence({ calls: [app([])] }))).toEqual(['lost', 'audit-recovered']);
  });

  it('where the phone is back and it says no', () => {
    for (const outcome of ['failed', 'skipped', 'partly-recovered']) {
      const recoveries = [recovery({ outcome, reason: 'outcome-unknown' })];
      expect(kindsOf(evidence({ recoveries }))).toEqual(['audit-not-recovered']);
    }
  });

  it('where it has no recovery of a call at stake, or two', () => {
    expect(kindsOf(evidence({ recoveries: [] }))).toEqual(['audit-missing']);
    expect(kindsOf(evidence({ recoveries: [recovery(), recovery({ recoveryId: 'r2' })] }))).toEqual([
      'audit-twice',
    ]);
  });

  it('where a recovery has no outcome, of whatever call', () => {
    expect(
      kindsOf(
        evidence({
          recoveries: [recovery(), recovery({ callId: 'x', sipCallIds: [], outcome: 'under way' })],
        }),
      ),
    ).toEqual(['audit-open']);
  });

  it('where it says recovered and no phone was on the node', () => {
    const stranger = recovery({ callId: 'x', sipCallIds: ['x'] });
    expect(kindsOf(evidence({ recoveries: [recovery(), stranger] }))).toEqual(['audit-stranger']);
    expect(kindsOf(calm({ recoveries: [recovery()] }))).toEqual(['audit-stranger']);
  });

  it('where a death is not in it, or is twice', () => {
    expect(kindsOf(evidence({ deaths: [] }))).toEqual(['audit-death']);
    expect(kindsOf(evidence({ deaths: [death(), death({ evidence: 'superseded' })] }))).toEqual([
      'audit-death',
    ]);
  });

  it('not where it speaks of the next life of the node', () => {
    const next = recovery({ recoveryId: 'r2', incarnation: String(REVIVED + 500), outcome: 'failed' });
    expect(kindsOf(evidence({ recoveries: [recovery(), next] }))).toEqual([]);
  });
});

describe('an Asterisk that holds on to a call', () => {
  const channels = [{ node: 'ast2', sipCallId: 'caller-1' }];

  it('is reported where the call is over for its phones', () => {
    expect(kindsOf(evidence({ channels }))).toEqual(['ghost']);
    expect(kindsOf(calm({ channels }))).toEqual(['ghost']);
  });

  it('is not where it could not hear the phone hang up, nor where the call is not known', () => {
    const seen = evidence({ calls: [app([bye('phone', DEATH + 100, null)])], channels });
    expect(kindsOf(seen)).toEqual([]);
    expect(kindsOf(evidence({ channels: [{ node: 'ast2', sipCallId: 'x' }] }))).toEqual([]);
  });
});

describe('captures that lost packets', () => {
  it('prove nothing', () => {
    expect(kindsOf(evidence({ doubts: ['3 SIP packets were not captured'] }))).toEqual(['doubt']);
  });
});
