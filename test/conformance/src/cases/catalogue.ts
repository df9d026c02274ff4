import type { Case } from './case.js';
import { matrix } from './matrix.js';
import { named } from './named.js';

/** Every case: the known ways of losing a call by name, then the matrix. */
export function catalogue(): Case[] {
  return [...named(), ...matrix()];
}

/** Those whose id or title matches. */
export function selected(only: RegExp | undefined): Case[] {
  return catalogue().filter(({ id, title }) => only === undefined || only.test(id) || only.test(title));
}
