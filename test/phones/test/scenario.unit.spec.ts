import { describe, expect, it } from 'vitest';
import { contactOf, groupBy, holdOf } from '../src/call-plan.js';
import { percentile } from '../src/observed/statistics.js';
import { calleeFile } from '../src/scenario/callee.js';
import { callerFile, callerScenario } from '../src/scenario/caller.js';
import { PortPlan, RTP_PORTS } from '../src/scenario/ports.js';
import { speakerOf, toneOf } from '../src/scenario/tone.js';

describe('the phones', () => {
  it('are told what to dial, one call a line, and no header line is ever empty', () => {
    const call = { dialled: 'app-1', number: '1', contact: '10.0.0.30:6000', holdMs: 5_000 };
    expect(callerFile([call, { ...call, number: '2', node: 'ast2' }])).toBe(
      'SEQUENTIAL\napp-1;1;Subject: call;10.0.0.30:6000;5000\napp-1;2;X-Lab-Node: ast2;10.0.0.30:6000;5000\n',
    );
    expect(calleeFile([{ holdMs: 1, contact: 'a:1' }])).toBe('SEQUENTIAL\n1;a:1\n');
  });

  it('send a re-INVITE of their own only where they are asked to', () => {
    const scenario = (reinvitesBack: boolean): string =>
      callerScenario({ reinvitesBack, copiesRecordRoute: true }, '/lab/voice');
    expect(scenario(true).match(/INVITE \[\$target\]/g)).toHaveLength(1);
    expect(scenario(false)).not.toContain('INVITE [$target]');
  });

  it('hang up when they are told to', () => {
    const scenario = callerScenario({ reinvitesBack: false, copiesRecordRoute: true }, '/lab/voice');
    expect(scenario).toContain('<recv request="HANGUP" optional="global" next="hangUp"/>');
  });

  it('of a pair: one hangs up and the other waits', () => {
    const plan = { kind: 'dial', holdMs: 5_000, hangsUp: 'callee' } as const;
    expect(holdOf(plan, 'callee')).toBe(5_000);
    expect(holdOf(plan, 'caller')).toBeGreaterThan(1_000_000);
    expect(holdOf({ ...plan, kind: 'app' }, 'caller')).toBe(5_000);
  });

  it('behind NAT have a Contact that nobody can reach', () => {
    expect(contactOf(undefined, '10.0.0.30:6000')).toBe('10.0.0.30:6000');
    expect(contactOf({ behindNat: true }, '10.0.0.30:6000')).toMatch(/^192\.168\./);
  });

  it('have voices that can be told apart by one byte', () => {
    for (const speaker of ['caller', 'callee'] as const) {
      const tone = toneOf(speaker);
      for (let offset = 0; offset < tone.length; offset += 160)
        expect(speakerOf(tone.subarray(offset))).toBe(speaker);
    }
    expect(speakerOf(Buffer.from([0xff]))).toBe('other');
  });

  it('get ports of their own', () => {
    const ports = new PortPlan();
    const taken = Array.from({ length: 20 }, () => ports.next());
    expect(new Set(taken.map(({ sip }) => sip)).size).toBe(20);
    expect(new Set(taken.map(({ rtp }) => rtp.min)).size).toBe(20);
    expect(Math.max(...taken.map(({ rtp }) => rtp.max))).toBeLessThanOrEqual(RTP_PORTS.max);
  });
});

describe('percentiles', () => {
  it('are values that were measured', () => {
    expect(percentile([], 0.5)).toBeNull();
    expect(percentile([3, 1, 2], 0.5)).toBe(2);
    expect(
      percentile(
        Array.from({ length: 100 }, (_, n) => n + 1),
        0.99,
      ),
    ).toBe(99);
    expect(percentile([7], 0.99)).toBe(7);
  });
});

describe('groups', () => {
  it('keep the order of their members', () => {
    expect(groupBy([1, 2, 3, 4, 5], (n) => String(n % 2))).toEqual([
      [1, 3, 5],
      [2, 4],
    ]);
  });
});
