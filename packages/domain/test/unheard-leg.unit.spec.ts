import { describe, expect, it } from 'vitest';
import { deriveCalls, unheardLeg, type LegPlace, type ReplacementLeg } from '../src/index.js';

const location = { context: 'from-edge', extension: '100', priority: 3 };

function replacement(
  channelId: string,
  place: LegPlace,
  change: Partial<ReplacementLeg> = {},
): ReplacementLeg {
  return {
    channelId,
    sipCallId: `${channelId}@phone`,
    endpoint: 'edge',
    place,
    callerId: '',
    accountCode: '',
    language: 'en',
    originatedAt: 1_000,
    answeredAt: 1_200,
    ...change,
  };
}

function derived(...legs: ReplacementLeg[]) {
  const memory = new Map(legs.map(({ channelId, place }) => [channelId, { callId: 'call', place }]));
  const records = { nodeId: 'ast1', incarnation: '1', legs: legs.map(unheardLeg), bridges: [] };
  return deriveCalls(records, memory);
}

describe('a replacement channel that its node’s agent has not told of', () => {
  it.each<LegPlace>([
    { kind: 'stasis', app: 'demo' },
    { kind: 'dialplan', ...location },
  ])('was where it had been brought: $kind', (place) => {
    expect(derived(replacement('a', place))[0]?.legs).toMatchObject([{ place, record: { state: 'Up' } }]);
  });

  it('belongs to the call that it was', () => {
    const leg = replacement('a', { kind: 'stasis', app: 'demo' }, { linkedId: 'ast1-1.1' });
    expect(derived(leg)[0]?.linkedId).toBe('ast1-1.1');
  });

  it('is a pair with the other one, as in `Dial`', () => {
    const caller = { kind: 'dial-caller', ...location, continues: true } as const;
    const calls = derived(
      replacement('a', caller),
      replacement('b', { kind: 'dial-callee' }, { answeredAt: null }),
    );
    expect(calls).toMatchObject([
      {
        callId: 'call',
        join: { kind: 'dialplan' },
        legs: [{ place: caller }, { place: { kind: 'dial-callee' } }],
      },
    ]);
    expect(calls[0]?.legs[1]?.record.state).toBe('Ring');
  });

  it('has the caller id that it was given', () => {
    const place = { kind: 'stasis', app: 'demo' } as const;
    const [name, none] = ['"An Odd Name" <+49 30>', ''].map(
      (callerId) => unheardLeg(replacement('a', place, { callerId })).caller,
    );
    expect([name, none]).toEqual([
      { name: 'An Odd Name', number: '+49 30' },
      { name: '', number: '' },
    ]);
  });
});
