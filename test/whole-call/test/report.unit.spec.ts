import { describe, expect, it } from 'vitest';
import {
  catalogue,
  documentation,
  hasPassed,
  printed,
  resultOf,
  selected,
  type CaseVerdict,
} from '../src/index.js';
import { readOptions } from '../src/options.js';
import { soundsInFile } from '../src/sound/file.js';
import { TONES_HZ } from '../src/sound/sounds.js';

function crash(node: string, faults: readonly string[] = []): CaseVerdict['crashes'][number] {
  return { node, answeredMs: 210, heardMs: 300, notRestored: [], faults };
}

const GOOD: CaseVerdict = {
  id: 'good',
  title: 'a call',
  crashes: [crash('ast1'), { ...crash('ast2'), prompt: { leftAt: 8_000, wentOnAt: 8_120 } }],
  faults: [],
};

describe('a case', () => {
  it('has passed after two crashes without a fault', () => {
    expect(hasPassed(GOOD)).toBe(true);
  });

  it.each<[string, Partial<CaseVerdict>]>([
    ['the second crash was not played', { crashes: [crash('ast1')] }],
    ['none was', { crashes: [] }],
    ['the first has a fault', { crashes: [crash('ast1', ['bob does not hear alice']), crash('ast2')] }],
    ['something else has', { faults: ['bob: its call has not ended'] }],
  ])('has failed where %s', (_, what) => {
    expect(hasPassed({ ...GOOD, ...what })).toBe(false);
  });
});

describe('a result', () => {
  const result = resultOf([
    GOOD,
    {
      ...GOOD,
      id: 'bad',
      crashes: [{ ...crash('ast1', ['alice hears\nbob']), heardMs: null, notRestored: ['mute'] }],
    },
  ]);

  it('counts and keeps what failed', () => {
    expect(result).toMatchObject({ passed: 1, failed: 1 });
    expect(result.cases.map((one) => one.result)).toEqual(['passed', 'failed']);
  });

  it('is printed with what was wrong, and what was not restored', () => {
    const text = printed(result);
    expect(text).toContain('! ast1: alice hears bob');
    expect(text).toContain('? ast1: not restored: mute');
    expect(text).toContain('the prompt was at 8000 ms and went on at 8120 ms');
    expect(text).toContain('1 passed, 1 failed');
  });

  it('becomes a page', () => {
    const page = documentation(result);
    expect(page).toContain('| `good` | a call | passed |');
    expect(page).toContain('| `bad` | a call | failed |');
    expect(page).toContain('Of 2 cases 1 passed and 1 failed.');
    expect(page).toContain('- `bad`: alice hears');
  });
});

describe('the cases', () => {
  it('have ids that a phone can dial, each its own', () => {
    const ids = catalogue().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9-]+$/);
  });

  it('are chosen by a pattern of the command line', () => {
    const { only } = readOptions(['--only', 'PROMPT-|two phones joined']);
    expect(selected(only).map(({ id }) => id)).toEqual([
      'pair-dial',
      'prompt-application',
      'prompt-dialplan',
    ]);
    expect(selected(undefined)).toEqual(catalogue());
  });

  it('refuses a wrong command line', () => {
    expect(() => readOptions(['--only', '('])).toThrow('regular expression');
    expect(() => readOptions(['--json', '/nowhere/at/all.json'])).toThrow('cannot be written');
  });
});

describe('a recorded file', () => {
  it('tells what is in it, and how long', () => {
    const samples = Array.from({ length: 16_000 }, (_, index) =>
      Math.round(5_000 * Math.sin((2 * Math.PI * TONES_HZ.bob * index) / 8_000) * (index < 8_000 ? 1 : 0)),
    );
    const file = Buffer.alloc(32_000);
    samples.forEach((sample, index) => file.writeInt16LE(sample, 2 * index));
    const { ms, shares } = soundsInFile(file);
    expect(ms).toBe(2_000);
    expect([...shares.keys()]).toEqual(['bob']);
    expect(shares.get('bob')).toBeCloseTo(0.5);
    expect(soundsInFile(Buffer.alloc(0)).ms).toBe(0);
  });
});
