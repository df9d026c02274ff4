import { describe, expect, it } from 'vitest';
import { groupOf, groupsWithoutPolicy, parseConfig, policyOf, type Config } from '../src/index.js';

function node(id: string, group?: string): object {
  const ari = { url: 'http://10.0.0.11:8088', username: 'reinvite', password: 'x' };
  return { id, sipAddresses: ['10.0.0.11'], ari, ...(group === undefined ? {} : { group }) };
}

function config(nodes: readonly object[], recovery: object): Config {
  return parseConfig({
    nats: { servers: ['nats://10.0.0.1:4222'] },
    postgres: { url: 'postgres://reinvite@10.0.0.1/reinvite' },
    nodes,
    recovery,
  });
}

describe('the recovery policies of a configuration', () => {
  const nodes = [node('ast1', 'red'), node('ast2', 'blue'), node('ast3')];

  it('are what is built in where nothing is said', () => {
    const plain = config([node('ast1')], {});
    expect(policyOf(plain, groupOf(plain, 'ast1'))).toEqual({
      confirmed: 'recover',
      early: 'end',
      ended: 'skip',
      unsure: expect.objectContaining({
        'creation-unseen': 'skip',
        'target-inferred': 'skip',
        'target-refresh-open': 'skip',
      }) as unknown,
      barrierMissed: 'recover',
      targets: ['default'],
      crashLimit: { nodes: 3, withinMs: 120_000 },
      recoveryLimit: { recoveries: 10, withinMs: 3_600_000 },
      quarantineMs: 60_000,
      bereft: null,
      comfort: null,
      resume: {
        playback: 'unless-flow',
        musicOnHold: 'unless-flow',
        recording: 'unless-flow',
        mute: 'unless-flow',
      },
    });
    expect(groupsWithoutPolicy(plain)).toEqual([]);
  });

  it('say what becomes of one who is left alone, in short or in full', () => {
    const bereft = (given: unknown): unknown =>
      policyOf(config([node('ast1')], { policies: { default: { bereft: given } } }), 'default').bereft;
    expect(bereft('leave')).toBeNull();
    expect(bereft('end')).toEqual({ do: 'end', cause: 16 });
    expect(bereft({ end: { cause: 31 } })).toEqual({ do: 'end', cause: 31 });
    expect(bereft('hold')).toEqual({ do: 'hold', musicOnHold: 'default', forMs: 60_000 });
    expect(bereft({ hold: { forMs: 5_000 } })).toMatchObject({ musicOnHold: 'default', forMs: 5_000 });
    expect(bereft({ application: { app: 'ivr' } })).toEqual({ do: 'application', app: 'ivr', args: [] });
    expect(bereft({ dialplan: { context: 'lost', extension: 's' } })).toMatchObject({ priority: 1 });
    for (const wrong of ['application', { end: { cause: 0 } }, { hold: { forMs: 0 } }, { end: {}, hold: {} }])
      expect(() => bereft(wrong)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
  });

  it('say what one hears who waits for the others', () => {
    const comfort = (given: unknown): unknown =>
      policyOf(config([node('ast1')], { policies: { default: { comfort: given } } }), 'default').comfort;
    expect([comfort('none'), comfort('tone:ring'), comfort('sound:please-wait')]).toEqual([
      null,
      'tone:ring',
      'sound:please-wait',
    ]);
    for (const wrong of ['ring', 'tone:', 'tone:a,tone:b'])
      expect(() => comfort(wrong)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
  });

  it('are not taken from what every object has', () => {
    const odd = config([node('ast1', 'constructor')], { policies: { default: { early: 'leave' } } });
    expect(policyOf(odd, 'constructor')).toMatchObject({ confirmed: 'recover', early: 'leave' });
    const bare = config([node('ast1', 'constructor')], {});
    expect(groupsWithoutPolicy(bare)).toEqual(['constructor']);
  });

  it('hold for the nodes of their group, `default` for the others, and calls stay in their group unless told', () => {
    const policies = {
      red: { early: 'leave', targets: ['red', 'blue'] },
      default: { barrierMissed: 'skip' },
    };
    const grouped = config(nodes, { policies });
    const of = (nodeId: string) => policyOf(grouped, groupOf(grouped, nodeId));
    expect(of('ast1')).toMatchObject({ early: 'leave', barrierMissed: 'recover', targets: ['red', 'blue'] });
    expect(of('ast2')).toMatchObject({ early: 'end', barrierMissed: 'skip', targets: ['blue'] });
    expect(of('ast3')).toMatchObject({ barrierMissed: 'skip', targets: ['default'] });
    expect(groupsWithoutPolicy(grouped)).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    ['a group that no node is in', { policies: { green: {} } }, /no node is in the group green/],
    ['a target group that no node is in', { policies: { red: { targets: ['gren'] } } }, /group gren/],
    ['a key that does not exist', { policies: { red: { erly: 'end' } } }, /erly/],
    [
      'a reason that no source gives',
      { policies: { red: { unsure: { 'creation-unsen': 'skip' } } } },
      /unsen/,
    ],
    ['ended dialogs to be recovered', { policies: { red: { ended: 'recover' } } }, /has ended/],
    ['a limit that would recover nothing', { policies: { red: { crashLimit: { nodes: 0 } } } }, /nodes/],
    ['an edge without a URL', { edges: [{ rpcUrl: 'edge:8080' }] }, /rpcUrl/],
    ['an edge with credentials', { edges: [{ rpcUrl: 'http://u:p@edge:8080' }] }, /credentials/],
  ])('are refused with a code where they name %s', (_, recovery, problem) => {
    expect(() => config(nodes, recovery)).toThrow(/CONFIG_INVALID/);
    expect(() => config(nodes, recovery)).toThrow(problem);
  });

  it('are missed where groups have none', () => {
    expect(groupsWithoutPolicy(config(nodes, {}))).toEqual(['red', 'blue', 'default']);
    expect(groupsWithoutPolicy(config(nodes, { policies: { red: {} } }))).toEqual(['blue', 'default']);
  });
});
