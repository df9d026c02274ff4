export { projectCallFacts, type CallRecordProjection, type ProjectionOptions } from './projection.js';
export { closeIncarnation, findLiveLegs, readLiveCalls, type LiveCalls } from './read.js';
