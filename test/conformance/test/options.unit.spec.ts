import { describe, expect, it } from 'vitest';
import { catalogue, selected } from '../src/cases/catalogue.js';
import { phoneScript } from '../src/phone/script.js';
import { readOptions } from '../src/options.js';

describe('the command line', () => {
  it('runs everything where nothing is asked', () => {
    expect(readOptions([])).toEqual({});
    expect(selected(undefined)).toEqual(catalogue());
  });

  it('takes a pattern for names and descriptions', () => {
    const { only } = readOptions(['--only', 'TLS']);
    const cases = selected(only);
    expect(cases.length).toBeGreaterThan(0);
    expect(cases.length).toBeLessThan(catalogue().length);
    expect(cases.every(({ id, title }) => /tls/i.test(`${id} ${title}`))).toBe(true);
  });

  it('refuses what is no pattern, and files that cannot be written', () => {
    expect(() => readOptions(['--only', '('])).toThrow(/no regular expression/);
    expect(() => readOptions(['--json', '/nowhere/at/all.json'])).toThrow(/cannot be written/);
  });
});

describe('every case', () => {
  it('has an id that can be a user, and one that is its own', () => {
    const ids = catalogue().map(({ id }) => id);
    expect(ids.filter((id) => !/^[a-z0-9-]+$/.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('gives a script in which SIPp finds every variable that it uses', () => {
    const place = {
      host: 'fd00::30',
      port: 7_000,
      rtpPort: 20_000,
      hop: { host: 'fd00::10', port: 5_060 },
      dialled: 'quiet-x',
      lines: ['X-Lab-Node: ast1'],
    };
    for (const test of catalogue()) {
      const script = phoneScript(test, place);
      const used = [...script.matchAll(/\[\$(\w+)\]/g)].map(([, name]) => name);
      const set = [...script.matchAll(/assign_to="([^"]*)"/g)].flatMap(([, names = '']) => names.split(','));
      expect(used.filter((name) => name !== undefined && !set.includes(name))).toEqual([]);
      expect(script).not.toMatch(/\[fd00/);
      expect(script).not.toMatch(/undefined/);
    }
  });
});
