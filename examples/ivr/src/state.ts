import type { Json } from '@reinvite/flow-client';

/** How many digits name a conference. */
const DIGITS = 3;

/**
 * All that has to be known of a call to go on with it. `joining`: has its digits, and may or may not be in the conference;
 * `conference`: is in it.
 */
export interface State {
  readonly step: 'prompt' | 'collect' | 'joining' | 'conference';
  readonly digits: string;
}

export const BEGINNING: State = { step: 'prompt', digits: '' };

/** What this application once put; what it did not is a call that begins. */
export function stateOf(json: Json): State {
  return json === null ? BEGINNING : (json as unknown as State);
}

/** A digit counts from the prompt on, until there are enough. */
export function afterDigit(state: State, digit: string): State {
  if (state.step !== 'prompt' && state.step !== 'collect') return state;
  if (!/^\d$/.test(digit)) return state;
  const digits = state.digits + digit;
  return { step: digits.length < DIGITS ? 'collect' : 'joining', digits };
}

export function afterPrompt(state: State): State {
  return state.step === 'prompt' ? { ...state, step: 'collect' } : state;
}

export function afterEntering(state: State): State {
  return state.step === 'joining' ? { ...state, step: 'conference' } : state;
}
