import { isCoded } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { specOf, type LabOptions } from '../src/options.js';

describe('the options of a lab', () => {
  it('are three nodes with Reinvite and a name of its own, unless said otherwise', () => {
    const first = specOf({});
    expect(first).toMatchObject({ nodes: 3, reinvite: true });
    expect(specOf({}).name).not.toBe(first.name);
  });

  it('leave out nodes and Reinvite in a lab of core alone', () => {
    expect(specOf({ name: 'a', only: 'core', nodes: 5 })).toEqual({ name: 'a', nodes: 0, reinvite: false });
  });

  it.each<[string, LabOptions]>([
    ['a name that leaves its directory', { name: '../etc' }],
    ['a name with a blank', { name: 'my lab' }],
    ['an empty name', { name: '' }],
    ['no node', { nodes: 0 }],
    ['half a node', { nodes: 1.5 }],
    ['more nodes than addresses', { nodes: 51 }],
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
