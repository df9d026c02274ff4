import { isCoded } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { serviceHosts, specOf, type LabOptions } from '../src/options.js';

describe('the options of a lab', () => {
  it('are three nodes with Reinvite and a name of its own, unless said otherwise', () => {
    const first = specOf({});
    expect(first).toMatchObject({ nodes: 3, reinvite: true });
    expect(specOf({}).name).not.toBe(first.name);
  });

  it('leave out nodes and Reinvite in a lab of core alone', () => {
    expect(specOf({ name: 'a', only: 'core', nodes: 5 })).toEqual({
      name: 'a',
      nodes: 0,
      reinvite: false,
      services: {},
      nats: 1,
      restrained: false,
      fenceCommand: true,
      leases: {},
      billing: false,
      variables: [],
      settableClocks: false,
    });
  });

  it('give every replica of a named service, and every NATS server but the first, a host with its name', () => {
    const spec = specOf({ nats: 3, services: { recovery: 2, 'ari-worker': 1 } });
    expect(serviceHosts(spec)).toEqual(['nats-2', 'nats-3', 'recovery', 'recovery-2', 'ari-worker']);
    expect(serviceHosts(specOf({}))).toEqual([]);
  });

  it.each<[string, LabOptions]>([
    ['a name that leaves its directory', { name: '../etc' }],
    ['a name with a blank', { name: 'my lab' }],
    ['an empty name', { name: '' }],
    ['no node', { nodes: 0 }],
    ['half a node', { nodes: 1.5 }],
    ['more nodes than addresses', { nodes: 51 }],
    ['an unknown service', { services: { console: 2 } as LabOptions['services'] & object }],
    ['a cluster of two, which has no majority', { nats: 2 as 3 }],
    ['a lease of a node that is not there', { nodes: 2, leases: { ast3: 5_000 } }],
    ['a lease that is too short', { leases: { ast1: 2_000 } }],
    ['replicas of services that do not run', { reinvite: false, services: { recovery: 2 } }],
  ])('refuse %s', (_, options) => {
    let thrown: unknown;
    try {
      specOf(options);
    } catch (error) {
      thrown = error;
    }
    expect(isCoded(thrown, 'LAB_REQUEST_INVALID')).toBe(true);
  });
});
