import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Agreement } from '../src/judge/agreement.js';
import { promptFaults } from '../src/judge/prompt.js';
import { Ear } from '../src/sound/ear.js';
import { fromMuLaw, toMuLaw } from '../src/sound/g711.js';
import { mishearings } from '../src/sound/hearing.js';
import { continuationOf } from '../src/sound/position.js';
import { TONES_HZ, type Sound, type Tone } from '../src/sound/sounds.js';
import { packets, type Utterance } from './voice.js';

const PORT = 20_000;
const START = 1_000_000;
const TONES = Object.keys(TONES_HZ) as Tone[];

function earOf(utterances: readonly Utterance[]): Ear {
  const ear = new Ear();
  for (const packet of packets(PORT, START, utterances)) ear.add(packet);
  return ear;
}

function heardOf(utterances: readonly Utterance[]) {
  return earOf(utterances).heard([PORT]);
}

const TWO_SECONDS = { from: START, to: START + 2_000 };

describe('µ-law', () => {
  it('gives back what it was given, within its steps', () => {
    fc.assert(
      fc.property(fc.integer({ min: -32_124, max: 32_124 }), (sample) => {
        const step = Math.max(8, Math.abs(sample) / 16);
        expect(Math.abs(fromMuLaw(toMuLaw(sample)) - sample)).toBeLessThanOrEqual(step);
      }),
    );
  });

  it('has each code for exactly one sample', () => {
    for (let code = 0; code < 256; code += 1) {
      // There are two codes for silence.
      if (code !== 0x7f) expect(toMuLaw(fromMuLaw(code))).toBe(code);
    }
  });
});

describe('an ear', () => {
  it('tells every voice from every other, however many speak at once', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...TONES), { minLength: 1, maxLength: 4 }), (sounds) => {
        const heard = heardOf([{ sounds, ms: 500 }]);
        expect(heard).toHaveLength(5);
        for (const one of heard) expect([...one.sounds].sort()).toEqual([...sounds].sort());
      }),
      { numRuns: 40 },
    );
  });

  it('knows every piece of the prompt, also while somebody speaks', () => {
    const heard = heardOf([{ sounds: ['prompt', 'bob'], ms: 20_000 }]);
    expect(heard.map(({ piece }) => piece)).toEqual(heard.map((_, index) => Math.floor(index / 5)));
    expect(heard.every(({ sounds }) => sounds.includes('bob') && sounds.length === 2)).toBe(true);
  });

  it('hears nothing in silence, and nothing at another port', () => {
    const ear = earOf([{ sounds: [], ms: 1_000 }]);
    expect(ear.heard([PORT]).flatMap(({ sounds }) => sounds)).toEqual([]);
    expect(ear.heard([PORT + 2])).toEqual([]);
  });

  it('does not judge a piece of which a packet is missing, and begins anew with another stream', () => {
    const ear = new Ear();
    const sent = packets(PORT, START, [{ sounds: ['alice'], ms: 300 }]);
    for (const packet of sent.filter((_, index) => index !== 2)) ear.add(packet);
    for (const packet of packets(PORT, START + 300, [{ sounds: ['bob'], ms: 100 }], { ssrc: 2 }))
      ear.add(packet);
    expect(ear.heard([PORT]).map(({ at, sounds }) => [at, ...sounds])).toEqual([
      [START + 60, 'alice'],
      [START + 160, 'alice'],
      [START + 300, 'bob'],
    ]);
  });

  it('leaves out what is no voice', () => {
    const ear = new Ear();
    for (const packet of packets(PORT, START, [{ sounds: ['alice'], ms: 500 }])) {
      packet.payload[1] = 101;
      ear.add(packet);
    }
    expect(ear.heard([PORT])).toEqual([]);
  });
});

describe('who hears whom', () => {
  const good: Utterance[] = [{ sounds: ['bob', 'carol'], ms: 2_000 }];

  it('is as it should be where exactly the expected voices are heard', () => {
    expect(mishearings(heardOf(good), TWO_SECONDS, ['carol', 'bob'])).toEqual([]);
    expect(mishearings([], TWO_SECONDS, [])).toEqual([]);
  });

  it('is not where the tone is a wrong one', () => {
    expect(mishearings(heardOf([{ sounds: ['carol'], ms: 2_000 }]), TWO_SECONDS, ['bob'])).toEqual([
      'does not hear bob (0 % of the time)',
      'hears carol (100 % of the time)',
    ]);
  });

  it('is not where a phone hears nothing, be it silence or no packet', () => {
    const fault = ['does not hear bob (0 % of the time)'];
    expect(mishearings(heardOf([{ sounds: [], ms: 2_000 }]), TWO_SECONDS, ['bob'])).toEqual(fault);
    expect(mishearings([], TWO_SECONDS, ['bob'])).toEqual(fault);
  });

  it('is not where one voice of two lacks, or somebody hears who should not', () => {
    expect(mishearings(heardOf(good), TWO_SECONDS, ['bob', 'carol', 'dave'])).toHaveLength(1);
    expect(mishearings(heardOf(good), TWO_SECONDS, ['bob'])).toHaveLength(1);
    expect(mishearings(heardOf(good), TWO_SECONDS, [])).toHaveLength(2);
  });

  it('is not where a voice is there for half of the time alone', () => {
    const half: Utterance[] = [
      { sounds: ['bob'], ms: 1_000 },
      { sounds: [], ms: 1_000 },
    ];
    expect(mishearings(heardOf(half), TWO_SECONDS, ['bob'])).toHaveLength(1);
    expect(mishearings(heardOf(half), TWO_SECONDS, [])).toHaveLength(1);
  });
});

describe('an agreement', () => {
  const hears = { alice: ['bob'], bob: ['alice'] } satisfies Partial<Record<string, readonly Sound[]>>;
  const speak = (sound: Sound, silentMs: number, ms = 6_000): ReturnType<typeof heardOf> =>
    heardOf([
      { sounds: [], ms: silentMs, silent: true },
      { sounds: [sound], ms },
    ]);

  it('begins when the last one hears', () => {
    const agreement = new Agreement(hears, START);
    const heard = { alice: speak('bob', 400), bob: speak('alice', 1_700) };
    expect(agreement.look((name) => heard[name as 'alice'], START + 6_000)).toBe(START + 1_700);
  });

  it('does not come where the voice goes one way alone', () => {
    const agreement = new Agreement(hears, START);
    const heard = { alice: speak('bob', 0), bob: [] };
    expect(agreement.look((name) => heard[name as 'alice'], START + 6_000)).toBeUndefined();
    expect(agreement.faults).toEqual(['bob does not hear alice (0 % of the time)']);
  });

  it('does not come before as much has been heard', () => {
    const agreement = new Agreement(hears, START);
    const heard = { alice: speak('bob', 0), bob: speak('alice', 0) };
    expect(agreement.look((name) => heard[name as 'alice'], START + 1_900)).toBeUndefined();
    expect(agreement.look((name) => heard[name as 'alice'], START + 2_000)).toBe(START);
  });
});

describe('a prompt over a crash', () => {
  /** Heard from its beginning, silent for `gapMs` from the crash at 7.23 s on, and heard again from `againMs` on. */
  function over(gapMs: number, againMs: number): ReturnType<typeof continuationOf> {
    const heard = heardOf([
      { sounds: ['prompt'], ms: 7_220 },
      { sounds: [], ms: gapMs, silent: true },
      { sounds: ['prompt'], ms: 4_000, offsetMs: againMs },
    ]);
    return continuationOf(heard, START + 7_220);
  }

  it('is known to a tenth of a second, wherever it goes on', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 3_000 }), fc.integer({ min: 0, max: 15_000 }), (gap, again) => {
        const found = over(gap - (gap % 20), again - (again % 20));
        expect(Math.abs((found?.leftAt ?? 0) - 7_220)).toBeLessThanOrEqual(120);
        expect(Math.abs((found?.wentOnAt ?? 0) - again)).toBeLessThanOrEqual(220);
      }),
      { numRuns: 25 },
    );
  });

  it('is as it should be where it goes on where it was, or half a second before', () => {
    expect(promptFaults(over(400, 7_220))).toEqual([]);
    expect(promptFaults(over(400, 6_720))).toEqual([]);
  });

  it.each([
    ['two seconds too late', 9_220],
    ['two seconds too early', 5_220],
    ['at its beginning', 0],
  ])('is not where it goes on %s', (_, again) => {
    expect(promptFaults(over(400, again))).toHaveLength(1);
  });

  it('is not where it is not heard again', () => {
    const heard = heardOf([{ sounds: ['prompt'], ms: 7_220 }]);
    expect(promptFaults(continuationOf(heard, START + 7_220))).toEqual(['the prompt was not heard again']);
  });
});
