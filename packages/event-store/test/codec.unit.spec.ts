import { isCoded } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { bulbCodec } from './events.js';

function decoding(type: string, version: number, data: Record<string, unknown>): () => unknown {
  return () => bulbCodec.decode(type, version, data);
}

const unknownEvent = (error: unknown): boolean => isCoded(error, 'EVENT_UNKNOWN');

describe('the codec of events', () => {
  it('writes the current version, one more than there are steps', () => {
    expect(bulbCodec.encode({ type: 'SwitchedOn', by: 'me', at: 3 })).toEqual({
      type: 'SwitchedOn',
      schemaVersion: 3,
      data: { by: 'me', at: 3 },
    });
    expect(bulbCodec.version('SwitchedOff')).toBe(1);
  });

  it('writes nothing that it could not read again', () => {
    expect(() => bulbCodec.encode({ type: 'SwitchedOn', by: 'me', at: Number.NaN })).toThrow(
      expect.objectContaining({ code: 'EVENT_INVALID' }),
    );
  });

  it.each([
    [1, { at: 3 }, 'unknown'],
    [2, { at: 3, who: 'you' }, 'you'],
    [3, { at: 3, by: 'me' }, 'me'],
  ])('reads version %i as the event of today', (version, data, by) => {
    expect(bulbCodec.decode('SwitchedOn', version, data)).toEqual({ type: 'SwitchedOn', at: 3, by });
  });

  it('reads an event that was renamed', () => {
    expect(bulbCodec.decode('Lit', 1, { at: 3 })).toEqual({ type: 'SwitchedOn', at: 3, by: 'unknown' });
  });

  it('refuses a type, a version or a shape that it does not know', () => {
    expect(decoding('Exploded', 1, {})).toThrow(expect.toSatisfy(unknownEvent));
    expect(decoding('SwitchedOff', 2, { at: 1 })).toThrow(expect.toSatisfy(unknownEvent));
    expect(decoding('SwitchedOff', 1, { at: 'noon' })).toThrow(expect.toSatisfy(unknownEvent));
  });
});
