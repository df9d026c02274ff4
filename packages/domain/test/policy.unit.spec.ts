import { describe, expect, it } from 'vitest';
import {
  deriveCalls,
  historySince,
  planRecoveries,
  quarantineOf,
  type DialogView,
  type LegRecord,
  type PlanInput,
  type PlanRecovery,
} from '../src/index.js';
import { candidate, limits } from './support/recoveries.js';
import { ariBridge, dialogView, stasisLeg } from './support/records.js';
import { pastRecovery, policy } from './support/policies.js';

/** The plan for one call with one leg on `ast1`, which died at 1,000,000. */
function plan(
  dialog: DialogView,
  change: Partial<PlanInput> = {},
  leg: Partial<LegRecord> = {},
): PlanRecovery {
  const legs = [stasisLeg('a', leg)];
  const [command] = planRecoveries({
    calls: deriveCalls({ nodeId: 'ast1', incarnation: 'life-of-ast1', legs, bridges: [] }, new Map()),
    dialogs: new Map([['a@phone', [dialog]]]),
    candidates: [candidate('ast2')],
    trigger: { kind: 'node-down', evidence: 'process-gone', at: 1_000_000 },
    limits,
    policy: policy(),
    ledgerHeard: true,
    past: [],
    at: 1_000_010,
    ...change,
  });
  if (command === undefined) throw new Error('a call has a plan');
  return command;
}

const reasonOf = ({ legs, skipped }: PlanRecovery): string =>
  legs.length > 0 ? 'recovered' : (skipped[0]?.reason ?? '');

describe('the policy of the group', () => {
  it('recovers a confirmed dialog, or leaves it alone', () => {
    expect(reasonOf(plan(dialogView()))).toBe('recovered');
    const forbidding = plan(dialogView(), { policy: policy({ confirmed: 'skip' }) });
    expect(reasonOf(forbidding)).toBe('policy-forbids');
  });

  it('never recovers a dialog that has ended', () => {
    expect(reasonOf(plan(dialogView({ state: 'ended' })))).toBe('dialog-ended');
  });

  it('recovers what is unsure only where it allows each of the reasons, and says which there were', () => {
    expect(reasonOf(plan(dialogView({ unsure: ['session-unseen'] })))).toBe('recovered');
    const both = plan(dialogView({ unsure: ['session-unseen', 'creation-unseen'] }));
    expect(both.skipped).toMatchObject([
      { reason: 'dialog-unsure', unsure: ['session-unseen', 'creation-unseen'] },
    ]);
    const brave = policy({ unsure: { 'creation-unseen': 'recover', 'session-unseen': 'recover' } });
    const allowed = plan(dialogView({ unsure: ['session-unseen', 'creation-unseen'] }), { policy: brave });
    expect(reasonOf(allowed)).toBe('recovered');
  });

  it('does not allow a reason that it does not know', () => {
    expect(reasonOf(plan(dialogView({ unsure: ['something-new'] })))).toBe('dialog-unsure');
  });

  it('goes on without the word of every ledger, or does not', () => {
    expect(reasonOf(plan(dialogView(), { ledgerHeard: false }))).toBe('recovered');
    const careful = policy({ barrierMissed: 'skip' });
    expect(reasonOf(plan(dialogView(), { ledgerHeard: false, policy: careful }))).toBe('ledger-unheard');
    expect(reasonOf(plan(dialogView(), { policy: careful }))).toBe('recovered');
  });
});

describe('an early dialog', () => {
  const early = dialogView({ state: 'early', inviteCseq: 7 });
  const ringing = { state: 'Ring' };

  it('is not re-INVITEd, and its INVITE is ended at the edge', () => {
    const command = plan(early, {}, ringing);
    expect(command.legs).toEqual([]);
    expect(command.skipped).toMatchObject([{ reason: 'dialog-early', inviteCseq: 7 }]);
  });

  it.each<[string, DialogView, Partial<PlanInput>, Partial<LegRecord>]>([
    ['the policy leaves it to its timers', early, { policy: policy({ early: 'leave' }) }, ringing],
    ['its INVITE was not seen', dialogView({ state: 'early', inviteCseq: null }), {}, ringing],
    ['its channel was up: the dialog is behind', early, {}, { state: 'Up' }],
  ])('is left alone where %s', (_, dialog, change, leg) => {
    const { skipped } = plan(dialog, change, leg);
    expect(skipped).toMatchObject([{ reason: 'dialog-early' }]);
    expect(skipped[0]?.inviteCseq).toBeUndefined();
  });
});

describe('a call', () => {
  it('stays within the groups that its policy names, in every attempt', () => {
    const candidates = [
      candidate('red', 0, false, { group: 'red' }),
      candidate('blue', 50, false, { group: 'blue' }),
    ];
    const blue = plan(dialogView(), { candidates, policy: policy({ targets: ['blue'] }) });
    expect(blue.target?.nodeId).toBe('blue');
    expect(blue.limits.targetGroups).toEqual(['blue']);
    const both = plan(dialogView(), { candidates, policy: policy({ targets: ['blue', 'red'] }) });
    expect(both.target?.nodeId).toBe('red');
    expect(plan(dialogView(), { candidates }).target).toBeNull();
  });
});

describe('a call whose nodes died soon after they had taken it', () => {
  const death = { nodeId: 'd', incarnation: 'life-of-d', at: 130_000 };
  const chain = [
    pastRecovery('a', 'b', 100_000),
    pastRecovery('b', 'c', 110_000),
    pastRecovery('c', 'd', 120_000),
  ];

  it('is given to no other one, once so many have', () => {
    expect(quarantineOf(chain, death, policy())).toBe('call-crashes-nodes');
    expect(quarantineOf(chain.slice(1), death, policy())).toBeNull();
    expect(quarantineOf(chain.toReversed(), death, policy())).toBe('call-crashes-nodes');
  });

  it('counts all of them, however short the time is in which it may not be recovered too often', () => {
    const short = policy({ recoveryLimit: { recoveries: 10, withinMs: 1_000 } });
    const { withinMs } = short.crashLimit;
    const nodes = ['a', 'b', 'c', 'd'];
    const slow = nodes
      .slice(1)
      .map((node, n) => pastRecovery(nodes[n] ?? '', node, 1_000_000 + n * (withinMs - 1_000)));
    const last = { ...death, at: 1_000_000 + 3 * (withinMs - 1_000) };
    const since = historySince(last, short);
    expect(since).toBeLessThan(1_000_000);
    expect(
      quarantineOf(
        slow.filter(({ detectedAt }) => detectedAt > since),
        last,
        short,
      ),
    ).toBe('call-crashes-nodes');
    const long = policy({ recoveryLimit: { recoveries: 10, withinMs: 9 * withinMs } });
    expect(historySince(last, long)).toBe(last.at - 9 * withinMs);
  });

  it('counts only those that had it for a short while', () => {
    const [first, ...later] = chain;
    if (first === undefined) throw new Error('a chain');
    const longAgo = { ...first, detectedAt: 10_000, takenAt: 10_100 };
    expect(quarantineOf([longAgo, ...later], death, policy())).toBeNull();
  });

  it('counts the nodes that died while they took it', () => {
    const [, , last] = chain;
    if (last === undefined) throw new Error('a chain');
    expect(quarantineOf([{ ...last, lostTargets: 1 }], death, policy())).toBeNull();
    expect(quarantineOf([{ ...last, lostTargets: 2 }], death, policy())).toBe('call-crashes-nodes');
  });

  it('does not count a node that lives, nor one that never got the re-INVITE', () => {
    const lives = chain.map((one) => (one.target === 'd' ? { ...one, targetIncarnation: 'another' } : one));
    expect(quarantineOf(lives, death, policy())).toBeNull();
    const unsent = chain.map((one) => ({ ...one, takenAt: null }));
    expect(quarantineOf(unsent, death, policy())).toBeNull();
  });

  it('is not recovered more often than it may be, however long each node held', () => {
    const often = Array.from({ length: 5 }, (_, n) =>
      pastRecovery(`n${n}`, `n${n + 1}`, n * 100_000, { targetIncarnation: `lives-${n}` }),
    );
    const later = { nodeId: 'n5', incarnation: 'life-of-n5', at: 500_000 };
    expect(quarantineOf(often, later, policy())).toBe('recovered-too-often');
    expect(quarantineOf(often, { ...later, at: 2_000_000 }, policy())).toBeNull();
  });

  it('may lose only those that are left of the limit, and one more where an operator lets it go', () => {
    const past = [pastRecovery('x', 'y', 980_000), pastRecovery('y', 'ast1', 990_000)];
    expect(plan(dialogView()).limits.crashesLeft).toBe(3);
    expect(plan(dialogView(), { past }).limits.crashesLeft).toBe(1);
    const held = plan(dialogView(), { past, policy: policy({ crashLimit: { nodes: 1, withinMs: 60_000 } }) });
    expect(held.limits.crashesLeft).toBe(1);
  });

  it('is skipped with that reason, and its neighbours are not', () => {
    const past = [
      pastRecovery('x', 'y', 970_000),
      pastRecovery('y', 'z', 980_000),
      pastRecovery('z', 'ast1', 990_000),
    ];
    expect(reasonOf(plan(dialogView(), { past }))).toBe('call-crashes-nodes');
    const legs = [stasisLeg('a'), stasisLeg('b')];
    const commands = planRecoveries({
      calls: deriveCalls(
        {
          nodeId: 'ast1',
          incarnation: 'life-of-ast1',
          legs,
          bridges: [ariBridge('1', ['a']), ariBridge('2', ['b'])],
        },
        new Map(),
      ),
      dialogs: new Map(legs.map((leg) => [leg.sipCallId, [dialogView()]])),
      candidates: [candidate('ast2')],
      trigger: { kind: 'node-down', evidence: 'process-gone', at: 1_000_000 },
      limits,
      policy: policy(),
      ledgerHeard: true,
      past,
      at: 1_000_010,
    });
    expect(commands.map(reasonOf)).toEqual(['call-crashes-nodes', 'recovered']);
  });

  it('is recovered where an operator asks for it', () => {
    const past = chain.map((one) =>
      one.target === 'd' ? { ...one, target: 'ast1', targetIncarnation: 'life-of-ast1' } : one,
    );
    const trigger = {
      kind: 'request',
      idempotencyKey: 'k',
      requestedBy: 'ops',
      reason: 'r',
      at: 130_000,
    } as const;
    expect(reasonOf(plan(dialogView(), { past, trigger }))).toBe('recovered');
  });
});
