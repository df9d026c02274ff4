import { APPLICATION } from './application.js';
import type { Case } from './case.js';
import { CONFERENCES } from './conferences.js';
import { MEDIA } from './media.js';
import { PAIRS } from './pairs.js';
import { RECORDINGS } from './recordings.js';
import { VARIABLES } from './variables.js';
import { WAITING } from './waiting.js';

/** All cases, in the order in which they are reported. */
export function catalogue(): readonly Case[] {
  return [...PAIRS, ...CONFERENCES, ...MEDIA, ...RECORDINGS, ...WAITING, ...VARIABLES, ...APPLICATION];
}

/** The cases whose id or title matches; all without a pattern. */
export function selected(only: RegExp | undefined): readonly Case[] {
  return catalogue().filter(({ id, title }) => only === undefined || only.test(id) || only.test(title));
}
