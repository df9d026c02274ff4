export { LIVENESS_MS, simulate, type Run, type RunOptions } from './simulate.js';
export { parseOptions, type Options } from './options.js';
export type { Invariant, Violation } from './judge/violation.js';
export type { Note } from './world/trace.js';
export type { Wrong } from './wrong.js';
