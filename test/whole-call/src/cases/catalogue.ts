import type { Case } from './case.js';
import { CONFERENCES } from './conferences.js';
import { PAIRS } from './pairs.js';

/** All cases, in the order in which they are reported. */
export function catalogue(): readonly Case[] {
  return [...PAIRS, ...CONFERENCES];
}

/** The cases whose id or title matches; all without a pattern. */
export function selected(only: RegExp | undefined): readonly Case[] {
  return catalogue().filter(({ id, title }) => only === undefined || only.test(id) || only.test(title));
}
