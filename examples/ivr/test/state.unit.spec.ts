import { describe, expect, it } from 'vitest';
import { afterDigit, afterEntering, afterPrompt, BEGINNING, stateOf, type State } from '../src/state.js';

const pressed = (digits: string, from: State = BEGINNING): State => [...digits].reduce(afterDigit, from);

describe('the steps of the example', () => {
  it('go from the prompt over three digits into the conference', () => {
    expect(afterPrompt(BEGINNING)).toEqual({ step: 'collect', digits: '' });
    expect(pressed('1')).toEqual({ step: 'collect', digits: '1' });
    expect(pressed('12', afterPrompt(BEGINNING))).toEqual({ step: 'collect', digits: '12' });
    expect(pressed('123')).toEqual({ step: 'joining', digits: '123' });
    expect(afterEntering(pressed('123'))).toEqual({ step: 'conference', digits: '123' });
  });

  it('do not go on by what has no meaning in them: the state is the same then', () => {
    for (const state of [pressed('1'), pressed('123'), afterEntering(pressed('123'))]) {
      expect(afterPrompt(state)).toBe(state);
      expect(afterDigit(state, '#')).toBe(state);
    }
    const full = pressed('123');
    expect(afterDigit(full, '9')).toBe(full);
    expect(afterEntering(BEGINNING)).toBe(BEGINNING);
  });

  it('begin where nothing was put, and go on from what was', () => {
    expect(stateOf(null)).toBe(BEGINNING);
    expect(stateOf({ step: 'collect', digits: '4' })).toEqual({ step: 'collect', digits: '4' });
  });
});
