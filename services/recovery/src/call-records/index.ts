export { projectCallFacts, type CallRecordProjection, type ProjectionOptions } from './projection.js';
export { closeIncarnation, readLiveCalls, type LiveCalls } from './read.js';
export { KEEP_GONE } from './prune.js';
